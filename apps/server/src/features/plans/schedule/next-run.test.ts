import type { Schedule } from "@saveos/contract";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listRuns } from "./list-runs.ts";
import { type Machine, nextRun } from "./next-run.ts";
import * as some from "./testing/arbitraries.ts";
import { clockShows, dayMs, minuteMs } from "./testing/intl-clock.ts";
import { windowOf } from "./window-of.ts";

const nightly: Schedule = { kind: "daily", from: "22:00", to: "06:00" };
const paris = { timeZone: "Europe/Paris", seed: "plan/agent" };

describe("a machine", () => {
  test("begins after the moment that is asked about, not at it", () => {
    const run = nextRun(nightly, { ...paris, after: new Date("2026-06-01T12:00Z") })!;
    expect(nextRun(nightly, { ...paris, after: run })).toEqual(new Date(run.getTime() + dayMs));
    expect(nextRun(nightly, { ...paris, after: new Date(run.getTime() - 1) })).toEqual(run);
  });

  test("begins on every day at the same second of the window", () => {
    const shown = firstRuns(nightly, { ...paris, after: new Date("2026-06-01T12:00Z") }, 30).map(
      (run) => clockShows("Europe/Paris", run.getTime()) % dayMs,
    );
    expect(new Set(shown).size).toBe(1);
  });

  test("begins by a cron expression so much after each time as its place in the spread says", () => {
    const spread: Schedule = { kind: "cron", expression: "0 1,13 * * *", spread_minutes: 60 };
    const after = new Date("2026-06-01T00:00Z");
    const offsets = firstRuns(spread, { timeZone: "UTC", seed: "plan/agent", after }, 4).map(
      (run) => (run.getTime() % (dayMs / 2)) - 60 * minuteMs,
    );
    expect(new Set(offsets).size).toBe(1);
    expect(offsets[0]).toBeGreaterThan(0);
    expect(offsets[0]).toBeLessThan(60 * minuteMs);
  });

  test("that was off for a month has missed all runs but the next", () => {
    const off = nextRun(nightly, { ...paris, after: new Date("2026-06-01T12:00Z") })!;
    const on = new Date(off.getTime() + 30 * dayMs - 1);
    expect(nextRun(nightly, { ...paris, after: on })).toEqual(new Date(off.getTime() + 30 * dayMs));
  });

  test("never begins by an expression that names no day", () => {
    const never: Schedule = { kind: "cron", expression: "0 0 30 2 *", spread_minutes: 0 };
    expect(nextRun(never, { ...paris, after: new Date(0) })).toBeUndefined();
  });
});

test("the runs are one sequence, from wherever it is entered", () => {
  fc.assert(
    fc.property(
      some.schedule,
      some.zoneAndMoment,
      some.seed,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (schedule, { timeZone, momentMs }, seed, between) => {
        const runs = firstRuns(schedule, { timeZone, seed, after: new Date(momentMs) }, 10);
        expect(runs).toHaveLength(10);
        for (const [index, run] of runs.entries()) {
          const before = runs[index - 1]?.getTime() ?? momentMs;
          expect(run.getTime()).toBeGreaterThan(before);
          expect(run.getTime() % 1000).toBe(0);
          for (const after of [before + Math.floor(between * (run.getTime() - 1 - before)), run.getTime() - 1])
            expect(nextRun(schedule, { timeZone, seed, after: new Date(after) })).toEqual(run);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a machine begins in each window, and never out of one", () => {
  fc.assert(
    fc.property(some.schedule, some.zoneAndMoment, some.seed, (schedule, { timeZone, momentMs }, seed) => {
      for (const due of firstRuns(schedule, { timeZone, seed, after: new Date(momentMs) }, 5)) {
        const window = windowOf(schedule, { timeZone, due })!;
        expect(due.getTime()).toBeGreaterThanOrEqual(window.opensAt.getTime());
        expect(due.getTime()).toBeLessThan(window.closesAt.getTime());
      }
    }),
    { numRuns: 300 },
  );
});

test("in ten years there are as many runs as open days", () => {
  const oneTimeADay = fc
    .record({ hour: fc.integer({ min: 0, max: 3 }), minute: fc.integer({ min: 0, max: 59 }) })
    .map(({ hour, minute }): Schedule => ({ kind: "cron", expression: `${minute} ${hour} * * *`, spread_minutes: 0 }));
  const everyDay = some.dailySchedule.map(({ from, to }): Schedule => ({ kind: "daily", from, to }));
  fc.assert(
    fc.property(fc.oneof(oneTimeADay, everyDay), some.zone, some.seed, (schedule, timeZone, seed) => {
      const [from, to] = [new Date(some.decade.fromMs), new Date(some.decade.toMs)];
      const runs = listRuns(schedule, { timeZone, seed, from, to, max: 10_000 });
      const days = (some.decade.toMs - some.decade.fromMs) / dayMs;
      // A window that is open when the decade begins or ends may have its run on either side.
      expect(Math.abs(runs.length - days)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 8 },
  );
});

test("a thousand machines are spread evenly over a window of an hour", () => {
  const schedule: Schedule = { kind: "daily", from: "02:00", to: "03:00" };
  const opensAtMs = Date.parse("2026-06-01T02:00Z");
  const machinesOfMinute = new Map<number, number>();
  for (let machine = 0; machine < 1000; machine += 1) {
    const run = nextRun(schedule, { timeZone: "UTC", seed: `plan/${machine}`, after: new Date(opensAtMs - 1) })!;
    const minute = Math.floor((run.getTime() - opensAtMs) / minuteMs);
    machinesOfMinute.set(minute, (machinesOfMinute.get(minute) ?? 0) + 1);
  }
  expect([...machinesOfMinute.keys()].sort((one, other) => one - other)).toEqual(
    Array.from({ length: 60 }, (_, minute) => minute),
  );
  expect(Math.max(...machinesOfMinute.values())).toBeLessThan((3 * 1000) / 60);
});

function firstRuns(
  schedule: Schedule,
  { after, ...machine }: Machine & { readonly after: Date },
  count: number,
): Date[] {
  return listRuns(schedule, { ...machine, from: new Date(after.getTime() + 1), to: new Date(8.64e15), max: count });
}
