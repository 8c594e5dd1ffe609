import type { Weekday } from "@saveos/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dailyWindowsFrom } from "./daily-windows.ts";
import { type DailySchedule, dailySchedule, zoneAndMoment } from "./testing/arbitraries.ts";
import { dayMs, walkMinutes } from "./testing/intl-clock.ts";
import type { Window } from "./window.ts";

test("a window opens and closes by the clock of the machine", () => {
  expect(windows("09:00", "17:30", "Europe/Paris", "2026-06-01")).toEqual(["2026-06-01T09:00+02:00 PT8H30M"]);
});

test("an end before its beginning lies on the next day", () => {
  expect(windows("22:00", "06:00", "Europe/Paris", "2026-06-01")).toEqual(["2026-06-01T22:00+02:00 PT8H"]);
});

test("an end that is the beginning lies a day later", () => {
  expect(windows("22:00", "22:00", "Europe/Paris", "2026-06-01")).toEqual(["2026-06-01T22:00+02:00 PT24H"]);
});

test("a window opens only on its days, though it may close on another", () => {
  expect(windows("22:00", "06:00", "Europe/Paris", "2026-06-01", 9, ["monday", "saturday"])).toEqual([
    "2026-06-01T22:00+02:00 PT8H",
    "2026-06-06T22:00+02:00 PT8H",
    "2026-06-08T22:00+02:00 PT8H",
  ]);
});

test("a window is an hour shorter in the night in which the clock is put forward, and longer when it is put back", () => {
  expect(windows("22:00", "06:00", "Europe/Paris", "2026-03-28")).toEqual(["2026-03-28T22:00+01:00 PT7H"]);
  expect(windows("22:00", "06:00", "Europe/Paris", "2026-10-24")).toEqual(["2026-10-24T22:00+02:00 PT9H"]);
  expect(windows("00:00", "00:00", "Australia/Lord_Howe", "2026-10-04")).toEqual(["2026-10-04T00:00+10:30 PT23H30M"]);
});

test("a window that begins in the leap opens right after it, and one that ends in it closes with it", () => {
  expect(windows("02:30", "04:00", "Europe/Paris", "2026-03-29")).toEqual(["2026-03-29T03:00+02:00 PT1H"]);
  expect(windows("01:00", "02:30", "Europe/Paris", "2026-03-29")).toEqual(["2026-03-29T01:00+01:00 PT1H"]);
});

test("a window that is leapt over as a whole opens right after the leap, as long as it was meant to be", () => {
  expect(windows("02:10", "02:40", "Europe/Paris", "2026-03-29")).toEqual(["2026-03-29T03:00+02:00 PT30M"]);
});

test("a window whose times the clock shows twice opens and closes the first time", () => {
  expect(windows("02:10", "02:40", "Europe/Paris", "2026-10-25")).toEqual(["2026-10-25T02:10+02:00 PT30M"]);
});

test("a day that begins at one o'clock has its window", () => {
  expect(windows("00:00", "06:00", "America/Sao_Paulo", "2018-11-04")).toEqual(["2018-11-04T01:00-02:00 PT5H"]);
  expect(windows("00:15", "00:45", "Africa/Cairo", "2026-04-24")).toEqual(["2026-04-24T01:00+03:00 PT30M"]);
  expect(windows("23:00", "00:30", "Asia/Beirut", "2026-03-28")).toEqual(["2026-03-28T23:00+02:00 PT1H"]);
});

test("a day that a zone left out has no window, and the one before closes when it would have begun", () => {
  expect(windows("22:00", "06:00", "Pacific/Apia", "2011-12-29", 3)).toEqual([
    "2011-12-29T22:00-10:00 PT2H",
    "2011-12-31T22:00+14:00 PT8H",
  ]);
});

test("every open day has one window in every zone, whatever is done to its clock, as a walk minute by minute finds", () => {
  fc.assert(
    fc.property(zoneAndMoment, dailySchedule, ({ timeZone, momentMs }, schedule) => {
      const found = windowsOpening(schedule, timeZone, momentMs, momentMs + 2 * dayMs);
      expect(found.map(({ opensAtMs, closesAtMs }) => ({ opensAtMs, closesAtMs }))).toEqual(
        walkWindows(schedule, timeZone, momentMs, momentMs + 2 * dayMs),
      );
    }),
  );
});

test("the windows from a moment on begin with the one that holds it", () => {
  const momentMs = Date.parse("2026-06-02T01:00Z");
  const [window] = dailyWindowsFrom({ kind: "daily", from: "22:00", to: "06:00" }, "UTC", momentMs);
  expect(window?.opensAtMs).toBe(Date.parse("2026-06-01T22:00Z"));
});

/** The windows that open on a day and those after it, such as `2026-06-01T09:00+02:00 PT8H30M`. */
function windows(from: string, to: string, timeZone: string, day: string, dayCount = 1, days?: Weekday[]): string[] {
  const begin = Temporal.PlainDate.from(day);
  const [fromMs, toMs] = [begin, begin.add({ days: dayCount })].map(
    (day) => day.toZonedDateTime(timeZone).epochMilliseconds,
  );
  const schedule: DailySchedule = { kind: "daily", from, to, ...(days && { days }) };
  return windowsOpening(schedule, timeZone, fromMs!, toMs!).map(({ opensAtMs, closesAtMs }) => {
    const opensAt = Temporal.Instant.fromEpochMilliseconds(opensAtMs);
    const length = opensAt.until(Temporal.Instant.fromEpochMilliseconds(closesAtMs), { largestUnit: "hours" });
    return `${opensAt.toString({ timeZone, smallestUnit: "minute" })} ${length.toString()}`;
  });
}

function windowsOpening(schedule: DailySchedule, timeZone: string, fromMs: number, toMs: number): Window[] {
  const found: Window[] = [];
  for (const window of dailyWindowsFrom(schedule, timeZone, fromMs)) {
    if (window.opensAtMs >= toMs) break;
    if (window.opensAtMs >= fromMs) found.push(window);
  }
  return found;
}

interface WalkedWindow {
  readonly opensAtMs: number;
  closesAtMs: number;
}

/** The windows that open from `fromMs` until before `toMs`, by what the clock shows or leaps over for the first time. */
function walkWindows(schedule: DailySchedule, timeZone: string, fromMs: number, toMs: number): WalkedWindow[] {
  const found: WalkedWindow[] = [];
  const closing = new Map<number, WalkedWindow>();
  const lengthMs = (timeMs(schedule.to) - timeMs(schedule.from) + dayMs) % dayMs || dayMs;
  for (const { momentMs, passed } of walkMinutes(timeZone, fromMs, toMs + 2 * dayMs)) {
    for (const shown of passed) {
      const closed = closing.get(shown);
      if (closed) closed.closesAtMs = momentMs === closed.opensAtMs ? momentMs + lengthMs : momentMs;
      if (momentMs >= toMs || shown % dayMs !== timeMs(schedule.from) || !isOpenOn(schedule, shown)) continue;
      const opened = { opensAtMs: momentMs, closesAtMs: Number.NaN };
      closing.set(shown + lengthMs, opened);
      found.push(opened);
    }
  }
  return found;
}

function timeMs(time: string): number {
  return Date.parse(`1970-01-01T${time}Z`);
}

function isOpenOn({ days }: DailySchedule, shown: number): boolean {
  const name = new Date(shown).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" }).toLowerCase();
  return days === undefined || days.some((day) => day === name);
}
