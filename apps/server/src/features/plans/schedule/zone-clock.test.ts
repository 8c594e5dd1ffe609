import { expect, test } from "vitest";
import { clockTimeAt, firstMomentAt, hasDay, nextChangeAfter } from "./zone-clock.ts";

test("a moment is shown by each zone's own clock", () => {
  const momentMs = Date.parse("2026-01-01T00:00:00Z");
  expect(String(clockTimeAt("Asia/Kathmandu", momentMs))).toBe("2026-01-01T05:45:00");
  expect(String(clockTimeAt("America/New_York", momentMs))).toBe("2025-12-31T19:00:00");
});

test("a time that is shown once has one moment", () => {
  expect(firstMoment("Europe/Paris", "2026-06-01T12:00")).toBe("2026-06-01T10:00:00.000Z");
});

test("a time that is shown twice has the first of both moments", () => {
  expect(firstMoment("Europe/Paris", "2026-10-25T02:30")).toBe("2026-10-25T00:30:00.000Z");
});

test("all times that are leapt over have the moment of the leap", () => {
  for (const time of ["02:00", "02:30", "02:59", "03:00"])
    expect(firstMoment("Europe/Paris", `2026-03-29T${time}`)).toBe("2026-03-29T01:00:00.000Z");
  expect(firstMoment("Pacific/Apia", "2011-12-30T15:00")).toBe("2011-12-30T10:00:00.000Z");
});

test("a zone has every day but those that it leapt over as a whole", () => {
  const day = (date: string) => Temporal.PlainDate.from(date);
  expect(["2011-12-29", "2011-12-30", "2011-12-31"].map((date) => hasDay("Pacific/Apia", day(date)))).toEqual([
    true,
    false,
    true,
  ]);
  expect(hasDay("America/Sao_Paulo", day("2018-11-04"))).toBe(true);
});

test("a zone that no longer moves its clock has no next change", () => {
  expect(nextChangeAfter("Europe/Paris", Date.parse("2026-01-01"))).toBe(Date.parse("2026-03-29T01:00:00Z"));
  expect(nextChangeAfter("UTC", 0)).toBeUndefined();
});

function firstMoment(timeZone: string, time: string): string {
  return new Date(firstMomentAt(timeZone, Temporal.PlainDateTime.from(time))).toISOString();
}
