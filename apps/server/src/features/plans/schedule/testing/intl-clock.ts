/**
 * A second opinion on what clocks show, which shares no code with the module: `Intl` read minute by minute. A time on a clock is a number of milliseconds,
 * as if that clock were UTC's.
 */
export function clockShows(zone: string, momentMs: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(momentMs)) parts[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

export interface WalkedMinute {
  readonly momentMs: number;
  readonly shows: number;
  /** What the clock has shown or leapt over for the first time: none, one minute, or with a leap many. */
  readonly passed: readonly number[];
}

/** Goes minute by minute from `fromMs` until before `toMs`. */
export function* walkMinutes(zone: string, fromMs: number, toMs: number): Generator<WalkedMinute> {
  // A day ahead, so that a clock that was put back just before `fromMs` has not shown its times for the first time.
  const startMs = Math.floor((fromMs - dayMs) / minuteMs) * minuteMs;
  let latest = clockShows(zone, startMs);
  for (let momentMs = startMs + minuteMs; momentMs < toMs; momentMs += minuteMs) {
    const shows = clockShows(zone, momentMs);
    const passed: number[] = [];
    while (latest < shows) passed.push((latest += minuteMs));
    if (momentMs >= fromMs) yield { momentMs, shows, passed };
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = { year: "numeric", month: "numeric", day: "numeric" } as const;
  const time = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
  const formatter = formatters.get(timeZone) ?? new Intl.DateTimeFormat("en", { timeZone, ...numeric, ...time });
  formatters.set(timeZone, formatter);
  return formatter;
}
