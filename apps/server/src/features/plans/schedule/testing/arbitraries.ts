import { type Schedule, weekday } from "@saveos/contract";
import * as fc from "fast-check";
import { nextChangeAfter } from "../zone-clock.ts";
import { dayMs, minuteMs } from "./intl-clock.ts";

export const decade = { fromMs: Date.UTC(2020, 0, 1), toMs: Date.UTC(2030, 0, 1) };

/** Zones that are put forward at midnight, by half an hour, by two hours, in the last hour of a day, for a month of the year, or once and for all. */
const trickyZones = [
  "Africa/Cairo",
  "Asia/Beirut",
  "America/Havana",
  "America/Asuncion",
  "Australia/Lord_Howe",
  "Antarctica/Troll",
  "America/Nuuk",
  "Africa/Casablanca",
  "Africa/Juba",
  "Europe/Paris",
];

export const zone = fc.oneof(fc.constantFrom(...trickyZones), fc.constantFrom(...Intl.supportedValuesOf("timeZone")));

/** A zone and a moment in it, mostly less than a day before its clock is put forward or back. */
export const zoneAndMoment = fc
  .record({
    timeZone: zone,
    anyMs: fc
      .integer({ min: decade.fromMs / minuteMs, max: decade.toMs / minuteMs })
      .map((minutes) => minutes * minuteMs),
    aheadMs: fc.integer({ min: 0, max: dayMs }),
    isNearChange: fc.constantFrom(true, true, true, false),
  })
  .map(({ timeZone, anyMs, aheadMs, isNearChange }) => {
    const changeMs = isNearChange ? nextChangeAfter(timeZone, anyMs) : undefined;
    return { timeZone, momentMs: changeMs === undefined ? anyMs : changeMs - aheadMs };
  });

const hour = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 23 }));
const minute = fc.integer({ min: 0, max: 59 });
const minutes = fc.uniqueArray(minute, { minLength: 1, maxLength: 4 });
const hours = fc.uniqueArray(hour, { minLength: 1, maxLength: 6 });
const daysOfWeek = fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }), { nil: undefined });

/** A cron expression, and by itself which times on a clock it names. */
export interface CronCase {
  readonly expression: string;
  readonly names: (shown: number) => boolean;
}

function cronCases(anyHours: fc.Arbitrary<number[] | undefined>): fc.Arbitrary<CronCase> {
  return fc.record({ minutes, hours: anyHours, days: daysOfWeek }).map(({ minutes, hours, days }) => ({
    expression: `${minutes.join()} ${hours?.join() ?? "*"} * * ${days?.join() ?? "*"}`,
    names: (shown) => {
      const time = new Date(shown);
      return (
        minutes.includes(time.getUTCMinutes()) &&
        (hours?.includes(time.getUTCHours()) ?? true) &&
        (days?.includes(time.getUTCDay()) ?? true)
      );
    },
  }));
}

export const cronOfTimes = cronCases(hours);
export const cronOfEveryHour = cronCases(fc.constant(undefined));

const timeOfDay = fc
  .record({ hour, minute })
  .map(({ hour, minute }) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`);
const days = fc.subarray([...weekday.options], { minLength: 1 });

export type DailySchedule = Extract<Schedule, { kind: "daily" }>;
export const dailySchedule: fc.Arbitrary<DailySchedule> = fc.oneof(
  fc.record({ kind: fc.constant("daily" as const), from: timeOfDay, to: timeOfDay }),
  fc.record({ kind: fc.constant("daily" as const), from: timeOfDay, to: timeOfDay, days }),
);

/** With spreads up to an hour, which not all of them would be allowed. */
const cronSchedule = fc
  .record({ cron: fc.oneof(cronOfTimes, cronOfEveryHour), spread_minutes: fc.integer({ min: 0, max: 60 }) })
  .map(({ cron, spread_minutes }) => ({ kind: "cron" as const, expression: cron.expression, spread_minutes }));

export const schedule: fc.Arbitrary<Schedule> = fc.oneof(dailySchedule, cronSchedule);
export const seed = fc.uuid().map((agentId) => `plan/${agentId}`);
