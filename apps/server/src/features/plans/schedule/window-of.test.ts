import type { Schedule } from "@saveos/contract";
import { expect, test } from "vitest";
import { cron } from "./testing/shown-runs.ts";
import { windowOf } from "./window-of.ts";

test("a run of a daily window belongs to the one that is open, over midnight too", () => {
  const nightly: Schedule = { kind: "daily", from: "22:00", to: "06:00", days: ["monday"] };
  expect(windowShown(nightly, "2026-06-02T01:23:45Z")).toBe("2026-06-01T22:00:00.000Z – 2026-06-02T06:00:00.000Z");
});

test("a run by a cron expression may begin from its time on for as long as the spread", () => {
  const spread: Schedule = { kind: "cron", expression: "0 */2 * * *", spread_minutes: 45 };
  expect(windowShown(spread, "2026-06-01T04:44:59Z")).toBe("2026-06-01T04:00:00.000Z – 2026-06-01T04:45:00.000Z");
});

test("a run without a spread may begin within its minute", () => {
  expect(windowShown(cron("30 2 * * *"), "2026-06-01T02:30:00Z")).toBe(
    "2026-06-01T02:30:00.000Z – 2026-06-01T02:31:00.000Z",
  );
});

test("a run that comes right after the clock is put forward has its window there", () => {
  expect(windowShown(cron("30 2 * * *"), "2026-03-29T01:00:00Z", "Europe/Paris")).toBe(
    "2026-03-29T01:00:00.000Z – 2026-03-29T01:01:00.000Z",
  );
});

test("a moment between two windows belongs to none", () => {
  expect(windowShown({ kind: "daily", from: "09:00", to: "10:00" }, "2026-06-01T10:00:00Z")).toBeUndefined();
  expect(windowShown({ kind: "daily", from: "09:00", to: "10:00" }, "2026-06-01T08:59:59Z")).toBeUndefined();
  expect(windowShown(cron("30 2 * * *"), "2026-06-01T02:31:00Z")).toBeUndefined();
});

function windowShown(schedule: Schedule, due: string, timeZone = "UTC"): string | undefined {
  const window = windowOf(schedule, { timeZone, due: new Date(due) });
  return window && `${window.opensAt.toISOString()} – ${window.closesAt.toISOString()}`;
}
