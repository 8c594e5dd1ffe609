import { EngineError } from "../../errors/engine-error.ts";
import { dateFromDays, daysFromDate } from "../../format/calendar.ts";
import type { Zone } from "../../format/time.ts";

/** A time span as calendars count it: whole numbers, none below 0. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const units = { y: "years", m: "months", d: "days", h: "hours" } as const;

/** Longer than any history, and short enough that no arithmetic with it loses a digit. */
const countMax = 999_999;

/** Reads restic's durations, such as `1y5m7d2h`, in any order; a unit that is there twice counts as said last. Throws `invalid-input`. */
export function parseCalendarSpan(text: string): CalendarSpan {
  const span = { years: 0, months: 0, days: 0, hours: 0 };
  for (const [, count, unit] of text.matchAll(/(\d+)([ymdh])/g))
    span[units[unit as keyof typeof units]] = Number(count);
  if (!/^(\d+[ymdh])+$/.test(text) || Object.values(span).some((count) => count > countMax))
    throw new EngineError("invalid-input", `Not a duration: ${JSON.stringify(text)}`, {
      hint: "Write years, months, days and hours, such as 1y5m7d2h.",
    });
  return span;
}

/** As restic prints it; empty for no time at all. */
export function formatCalendarSpan(span: CalendarSpan): string {
  return Object.entries(units)
    .map(([unit, name]) => (span[name] === 0 ? "" : `${span[name]}${unit}`))
    .join("");
}

export function isNoTime({ years, months, days, hours }: CalendarSpan): boolean {
  return years === 0 && months === 0 && days === 0 && hours === 0;
}

/**
 * The moment so much earlier, as Go's `AddDate` has it: years, months and days are taken together off the date that clocks in `zone` show, and a day that
 * the month does not have runs over (a month before 31 March is 3 March). The hours are taken off afterwards, as time that passes.
 */
export function earlierBy(ns: bigint, zone: Zone, { years, months, days, hours }: CalendarSpan): bigint {
  const seconds = Number(floorDivide(ns, nsPerSecond));
  const localSeconds = seconds + zone(seconds);
  const day = Math.floor(localSeconds / secondsPerDay);
  const date = dateFromDays(day);
  const month = (date.year - years) * 12 + (date.month - 1 - months);
  const earlierDay =
    daysFromDate(Math.floor(month / 12), month - Math.floor(month / 12) * 12 + 1, 1) + date.day - 1 - days;
  const earlierLocal = earlierDay * secondsPerDay + (localSeconds - day * secondsPerDay);
  // The zone is known by UTC and wanted by local time: a guess, then the offset that holds there.
  const earlier = earlierLocal - zone(earlierLocal - zone(earlierLocal));
  return BigInt(earlier - hours * secondsPerHour) * nsPerSecond + (ns - BigInt(seconds) * nsPerSecond);
}

const nsPerSecond = 1_000_000_000n;
const secondsPerHour = 3600;
const secondsPerDay = 24 * secondsPerHour;

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1n : quotient;
}
