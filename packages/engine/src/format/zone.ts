import { daysFromDate } from "./calendar.ts";

/** Seconds east of UTC that clocks show at this moment, given in seconds since 1970-01-01 UTC. */
export type Zone = (epochSeconds: number) => number;

export const utcZone: Zone = () => 0;

/** The zone of this machine, with its daylight saving time and its history. */
export const localZone: Zone = (epochSeconds) => {
  if (epochSeconds < quarterHoursSince) return offsetByTheRuntime(epochSeconds);
  const quarter = Math.floor(epochSeconds / secondsPerQuarterHour);
  if (quarter === lastQuarter) return lastOffset;
  let offset = offsetByQuarter.get(quarter);
  if (offset === undefined) {
    if (offsetByQuarter.size >= quartersRemembered) offsetByQuarter.clear();
    offset = offsetByTheRuntime(quarter * secondsPerQuarterHour);
    offsetByQuarter.set(quarter, offset);
  }
  lastQuarter = quarter;
  lastOffset = offset;
  return offset;
};

const secondsPerQuarterHour = 900;

/**
 * 1973-01-01 UTC. Since Liberia gave up its offset of 44½ minutes in 1972, every change of an offset in the time zone database falls on a
 * quarter of an hour UTC, so one answer holds for all of it. Before, some fall on odd seconds.
 */
const quarterHoursSince = 94_694_400;

/** A bound for the memory of offsets: a hostile tree may hold a million different times. 100,000 quarters are nearly three years. */
const quartersRemembered = 100_000;

const offsetByQuarter = new Map<number, number>();
let lastQuarter = Number.NaN;
let lastOffset = 0;

/** The farthest second from 1970 that the runtime's `Date` knows. */
const farthestSecond = 8.64e12;

function offsetByTheRuntime(epochSeconds: number): number {
  const inRange = Math.max(-farthestSecond + secondsPerDay, Math.min(farthestSecond - secondsPerDay, epochSeconds));
  const local = new Date(inRange * 1000);
  // Not `getTimezoneOffset`: it gives minutes, and offsets of the 19th century have seconds, which change the day's clock.
  const days = daysFromDate(local.getFullYear(), local.getMonth() + 1, local.getDate());
  return days * secondsPerDay + local.getHours() * 3600 + local.getMinutes() * 60 + local.getSeconds() - inRange;
}

const secondsPerDay = 86_400;
