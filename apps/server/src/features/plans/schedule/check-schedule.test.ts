import { expect, test } from "vitest";
import { checkSchedule } from "./check-schedule.ts";

test("a window on every day or some can always be used, over midnight and around the clock too", () => {
  expect(checkSchedule({ kind: "daily", from: "22:00", to: "06:00" })).toBeUndefined();
  expect(checkSchedule({ kind: "daily", from: "00:00", to: "00:00", days: ["sunday"] })).toBeUndefined();
});

test("a cron expression that crontab(5) doesn't know is refused with its own sentence", () => {
  expect(check("@daily", 0)).toBe("@daily is a nickname: write the five fields that it stands for.");
});

test("an expression that names no day is refused, one that names a rare day is not", () => {
  for (const expression of ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"])
    expect(check(expression, 0)).toBe("No month that this names has such a day: it would never run.");
  for (const expression of ["0 0 29 2 *", "0 0 29 2 */7", "0 0 31 4,5 *"]) expect(check(expression, 0)).toBeUndefined();
});

test("a spread may be as long as the time between two runs, not longer", () => {
  expect(check("*/15 * * * *", 15)).toBeUndefined();
  expect(check("*/15 * * * *", 16)).toBe(
    "A run begins 15 minutes after another: machines can't be spread over 16 minutes.",
  );
  expect(check("30 2 * * *", 24 * 60)).toBeUndefined();
});

test("of all times between two runs the shortest counts, over midnight too", () => {
  expect(check("0 8,12,13 * * *", 61)).toContain("60 minutes");
  expect(check("0 0,23 * * *", 61)).toContain("60 minutes");
  expect(check("0 0,23 28 2 *", 61)).toBeUndefined();
  expect(check("0 0,23 1,28 2,3 *", 61)).toContain("60 minutes");
});

function check(expression: string, spread_minutes: number): string | undefined {
  return checkSchedule({ kind: "cron", expression, spread_minutes });
}
