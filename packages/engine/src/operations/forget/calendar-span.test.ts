import { expect, test } from "vitest";
import { formatTime, parseTime, utcZone, type Zone } from "../../format/time.ts";
import { type CalendarSpan, earlierBy, formatCalendarSpan, parseCalendarSpan } from "./calendar-span.ts";

test.each<[string, Partial<CalendarSpan>, string]>([
  ["1y5m7d2h", { years: 1, months: 5, days: 7, hours: 2 }, "1y5m7d2h"],
  ["2h7d", { days: 7, hours: 2 }, "7d2h"],
  ["3d4d", { days: 4 }, "4d"],
  ["0d", {}, ""],
  ["048h", { hours: 48 }, "48h"],
])("%s is a duration, in any order", (text, said, shown) => {
  const span = parseCalendarSpan(text);
  expect(span).toEqual({ years: 0, months: 0, days: 0, hours: 0, ...said });
  expect(formatCalendarSpan(span)).toBe(shown);
});

test.each(["", "1", "d", "1w", "-1d", "1.5d", "1d ", "1000000d", "1d2"])("%j is no duration", (text) => {
  expect(() => parseCalendarSpan(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
});

const day = 86_400;
/** Clocks of a place that are put forward by an hour on 31 March 2024 at 02:00, and back on 27 October at 03:00. */
const withSummerTime: Zone = (seconds) =>
  seconds >= 19_813 * day + 3600 && seconds < 20_023 * day + 3600 ? 2 * 3600 : 3600;

test.each<[string, string, Zone, string]>([
  // A day that a month does not have runs over into the next, as Go's AddDate has it.
  ["2023-03-31T12:00:00Z", "1m", utcZone, "2023-03-03T12:00:00Z"],
  ["2024-03-31T12:00:00Z", "1m", utcZone, "2024-03-02T12:00:00Z"],
  ["2024-02-29T12:00:00Z", "1y", utcZone, "2023-03-01T12:00:00Z"],
  ["2024-03-31T12:00:00Z", "1m1d", utcZone, "2024-03-01T12:00:00Z"],
  ["2024-01-31T00:00:00.000000001Z", "14m", utcZone, "2022-12-01T00:00:00.000000001Z"],
  ["2024-01-01T00:00:00Z", "1h", utcZone, "2023-12-31T23:00:00Z"],
  ["1969-12-31T23:59:59.9Z", "1d", utcZone, "1969-12-30T23:59:59.9Z"],
  // The date is that of the zone, not the one in UTC.
  ["2024-03-01T00:30:00+14:00", "1m", () => 14 * 3600, "2024-02-01T00:30:00+14:00"],
  // Days are dates, hours pass: a day across the change of clocks has 23 hours.
  ["2024-03-31T12:00:00+02:00", "1d", withSummerTime, "2024-03-30T12:00:00+01:00"],
  ["2024-03-31T12:00:00+02:00", "24h", withSummerTime, "2024-03-30T11:00:00+01:00"],
  // 02:30 was never shown that day: Go takes it by the offset before.
  ["2024-04-01T02:30:00+02:00", "1d", withSummerTime, "2024-03-31T03:30:00+02:00"],
])("before %s by %s", (time, span, zone, earlier) => {
  expect(formatTime(earlierBy(parseTime(time), zone, parseCalendarSpan(span)), zone)).toBe(earlier);
});

test("twenty thousand years before now can be said too", () => {
  const ns = earlierBy(parseTime("2024-01-01T00:00:00Z"), utcZone, parseCalendarSpan("20000y"));
  expect(ns).toBeLessThan(parseTime("0000-01-01T00:00:00Z"));
});
