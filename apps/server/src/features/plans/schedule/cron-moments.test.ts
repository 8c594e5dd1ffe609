import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCronExpression } from "./cron-expression.ts";
import { cronMomentsAfter } from "./cron-moments.ts";
import { cronOfEveryHour, cronOfTimes, zoneAndMoment } from "./testing/arbitraries.ts";
import { dayMs, minuteMs, type WalkedMinute, walkMinutes } from "./testing/intl-clock.ts";
import { cron, shownRuns } from "./testing/shown-runs.ts";

describe("a time that is named", () => {
  test("comes by the clock of the machine, summer and winter", () => {
    expect(shownRuns(cron("30 2 * * *"), "Europe/Paris", "2026-01-05", "2026-01-06")).toEqual([
      "2026-01-05T02:30+01:00",
    ]);
    expect(shownRuns(cron("30 2 * * *"), "Europe/Paris", "2026-07-05", "2026-07-06")).toEqual([
      "2026-07-05T02:30+02:00",
    ]);
  });

  test("and that the clock leaps over in spring comes right after the leap", () => {
    expect(shownRuns(cron("30 2 * * *"), "Europe/Paris", "2026-03-28", "2026-03-31")).toEqual([
      "2026-03-28T02:30+01:00",
      "2026-03-29T03:00+02:00",
      "2026-03-30T02:30+02:00",
    ]);
  });

  test("and that the clock shows twice in autumn comes the first time", () => {
    expect(shownRuns(cron("30 2 * * *"), "Europe/Paris", "2026-10-24", "2026-10-27")).toEqual([
      "2026-10-24T02:30+02:00",
      "2026-10-25T02:30+02:00",
      "2026-10-26T02:30+01:00",
    ]);
  });

  test("among others that are leapt over with it comes once, and not apart from one that is right after the leap", () => {
    expect(shownRuns(cron("*/15 2 * * *"), "Europe/Paris", "2026-03-29", "2026-03-30")).toEqual([
      "2026-03-29T03:00+02:00",
    ]);
    expect(shownRuns(cron("0 2,3 * * *"), "Europe/Paris", "2026-03-29", "2026-03-30")).toEqual([
      "2026-03-29T03:00+02:00",
    ]);
  });

  test("in every second hour is neither left out in spring nor doubled in autumn", () => {
    expect(shownRuns(cron("0 */2 * * *"), "Europe/Paris", "2026-03-29", "2026-03-29T05:00")).toEqual([
      "2026-03-29T00:00+01:00",
      "2026-03-29T03:00+02:00",
      "2026-03-29T04:00+02:00",
    ]);
    expect(shownRuns(cron("0 */2 * * *"), "Europe/Paris", "2026-10-25", "2026-10-25T05:00")).toEqual([
      "2026-10-25T00:00+02:00",
      "2026-10-25T02:00+02:00",
      "2026-10-25T04:00+01:00",
    ]);
  });

  test("comes once where the clock is put forward at midnight", () => {
    expect(shownRuns(cron("30 0 * * *"), "Africa/Cairo", "2026-04-23", "2026-04-25")).toEqual([
      "2026-04-23T00:30+02:00",
      "2026-04-24T01:00+03:00",
    ]);
    expect(shownRuns(cron("0 0 * * *"), "America/Sao_Paulo", "2018-11-03", "2018-11-05")).toEqual([
      "2018-11-03T00:00-03:00",
      "2018-11-04T01:00-02:00",
    ]);
  });

  test("of the last hour of a day comes on the next if the clock leaps over midnight", () => {
    expect(shownRuns(cron("30 23 * * sat"), "America/Nuuk", "2024-03-30", "2024-04-05")).toEqual([
      "2024-03-31T00:00-01:00",
    ]);
  });

  test("comes once where the clock is put forward and back by half an hour", () => {
    expect(shownRuns(cron("10 2 * * *"), "Australia/Lord_Howe", "2026-10-04", "2026-10-05")).toEqual([
      "2026-10-04T02:30+11:00",
    ]);
    expect(shownRuns(cron("40 1 * * *"), "Australia/Lord_Howe", "2026-04-05", "2026-04-06")).toEqual([
      "2026-04-05T01:40+11:00",
    ]);
  });

  test("doesn't come on a day that a zone left out", () => {
    expect(shownRuns(cron("30 2 * * *"), "Pacific/Apia", "2011-12-29", "2012-01-01")).toEqual([
      "2011-12-29T02:30-10:00",
      "2011-12-31T02:30+14:00",
    ]);
  });

  test("comes exactly once, in every zone and whatever is done to its clock, as a walk minute by minute finds", () => {
    fc.assert(
      fc.property(zoneAndMoment, cronOfTimes, ({ timeZone, momentMs }, { expression, names }) => {
        expect(momentsWithin(expression, timeZone, momentMs)).toEqual(
          walk(timeZone, momentMs, ({ passed }) => passed.some(names)),
        );
      }),
    );
  });
});

describe("a minute of every hour", () => {
  test("comes in every real hour when the clock leaps over one in spring", () => {
    expect(shownRuns(cron("30 * * * *"), "Europe/Paris", "2026-03-29T01:00", "2026-03-29T04:00")).toEqual([
      "2026-03-29T01:30+01:00",
      "2026-03-29T03:30+02:00",
    ]);
  });

  test("comes in every real hour when the clock shows one twice in autumn", () => {
    expect(shownRuns(cron("30 * * * *"), "Europe/Paris", "2026-10-25T01:00", "2026-10-25T04:00")).toEqual([
      "2026-10-25T01:30+02:00",
      "2026-10-25T02:30+02:00",
      "2026-10-25T02:30+01:00",
      "2026-10-25T03:30+01:00",
    ]);
  });

  test("stays that minute of the clock where the clock is moved by half an hour", () => {
    expect(shownRuns(cron("0 * * * *"), "Australia/Lord_Howe", "2026-10-04T01:00", "2026-10-04T05:00")).toEqual([
      "2026-10-04T01:00+10:30",
      "2026-10-04T03:00+11:00",
      "2026-10-04T04:00+11:00",
    ]);
  });

  test("comes whenever the clock shows it, in every zone, as a walk minute by minute finds", () => {
    fc.assert(
      fc.property(zoneAndMoment, cronOfEveryHour, ({ timeZone, momentMs }, { expression, names }) => {
        expect(momentsWithin(expression, timeZone, momentMs)).toEqual(
          walk(timeZone, momentMs, ({ shows }) => names(shows)),
        );
      }),
    );
  });

  test("by quarters is a real quarter of an hour away from the next, in every zone and whatever is done to its clock", () => {
    fc.assert(
      fc.property(zoneAndMoment, ({ timeZone, momentMs }) => {
        const moments = momentsWithin("*/15 * * * *", timeZone, momentMs);
        expect(moments).toHaveLength(stretchMs / (15 * minuteMs));
        expect(new Set(steps(moments))).toEqual(new Set([15 * minuteMs]));
      }),
      { numRuns: 500 },
    );
  });
});

test("an expression that names no day has no moments", () => {
  expect(momentsWithin("0 0 30 2 *", "Europe/Paris", 0)).toEqual([]);
});

const stretchMs = 2 * dayMs;

/** What the expression names in the two days from a moment on. */
function momentsWithin(expression: string, timeZone: string, fromMs: number): number[] {
  const moments: number[] = [];
  for (const momentMs of cronMomentsAfter(parseCronExpression(expression), timeZone, fromMs - 1)) {
    if (momentMs >= fromMs + stretchMs) break;
    moments.push(momentMs);
  }
  return moments;
}

function walk(timeZone: string, fromMs: number, isNamed: (minute: WalkedMinute) => boolean): number[] {
  return [...walkMinutes(timeZone, fromMs, fromMs + stretchMs)].filter(isNamed).map(({ momentMs }) => momentMs);
}

function steps(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - moments[index]!);
}
