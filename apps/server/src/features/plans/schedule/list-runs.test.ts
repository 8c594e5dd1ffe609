import type { Schedule } from "@saveos/contract";
import { expect, test } from "vitest";
import { listRuns } from "./list-runs.ts";
import { cron } from "./testing/shown-runs.ts";

const utc = { timeZone: "UTC", seed: "plan/agent" };
const week = { from: new Date("2026-06-01T00:00Z"), to: new Date("2026-06-08T00:00Z") };

test("a week of a daily window has seven runs, in their order", () => {
  const schedule: Schedule = { kind: "daily", from: "09:00", to: "10:00" };
  const runs = listRuns(schedule, { ...utc, ...week, max: 100 });
  expect(runs.map((run) => run.toISOString().slice(0, 10))).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((day) => `2026-06-0${day}`),
  );
});

test("a run at the first moment is listed, one at the last is not", () => {
  const runs = listRuns(cron("0 0 * * mon"), { ...utc, ...week, max: 100 });
  expect(runs).toEqual([week.from]);
});

test("no more runs are listed than asked for", () => {
  expect(listRuns(cron("* * * * *"), { ...utc, ...week, max: 3 })).toHaveLength(3);
  expect(listRuns(cron("* * * * *"), { ...utc, ...week, max: 0 })).toEqual([]);
});

test("an expression that names no day in the period has no runs", () => {
  expect(listRuns(cron("0 0 1 1 *"), { ...utc, ...week, max: 100 })).toEqual([]);
  expect(listRuns(cron("0 0 30 2 *"), { ...utc, ...week, max: 100 })).toEqual([]);
});
