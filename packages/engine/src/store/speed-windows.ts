import { EngineError } from "../errors/engine-error.ts";
import type { Speed } from "./speed-limit.ts";

/** Speeds by the time of the week. Undefined within: as fast as it goes. */
export interface SpeedWindows {
  /** The first window that a time is in holds. */
  readonly windows: readonly SpeedWindow[];
  /** Outside of all windows; undefined if nothing was said of it. */
  readonly otherwise: { readonly bytesPerSecond: number | undefined } | undefined;
}

interface SpeedWindow {
  /** On which it begins: 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** From 0 at midnight. An end that is not behind the start is on the next day. */
  readonly startMinute: number;
  readonly endMinute: number;
  /** 0: nothing moves. */
  readonly bytesPerSecond: number | undefined;
}

/**
 * Reads windows such as `08:00-18:00 1M, else unlimited` or `mon-fri 08:00-18:00 512K, sat sun 22:00-06:00 0`. Speeds are bytes a second with
 * K, M or G (powers of 1024), `unlimited`, or 0 for a pause. Throws `invalid-input` and says which part is not understood.
 */
export function parseSpeedWindows(text: string): SpeedWindows {
  const rules = text.split(",").map((rule) => rule.trim());
  const last = rules.at(-1) ?? "";
  const otherwise = /^else\s+(\S+)$/i.exec(last)?.[1];
  return {
    windows: (otherwise === undefined ? rules : rules.slice(0, -1)).map(parseWindow),
    otherwise: otherwise === undefined ? undefined : { bytesPerSecond: parseSpeed(otherwise, last) },
  };
}

/** The speed by the windows, in this machine's own time zone; outside of them by their `else`, or else by `fallback`. */
export function speedByWindows({ windows, otherwise }: SpeedWindows, fallback?: number): Speed {
  return (atMs) => {
    const at = new Date(atMs);
    const minute = at.getHours() * 60 + at.getMinutes();
    const window = windows.find((candidate) => isIn(candidate, at.getDay(), minute));
    if (window !== undefined) return window.bytesPerSecond;
    return otherwise === undefined ? fallback : otherwise.bytesPerSecond;
  };
}

function isIn({ days, startMinute, endMinute }: SpeedWindow, day: number, minute: number): boolean {
  if (startMinute < endMinute) return days.has(day) && startMinute <= minute && minute < endMinute;
  return (days.has(day) && minute >= startMinute) || (days.has((day + 6) % 7) && minute < endMinute);
}

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const everyDay: ReadonlySet<number> = new Set(dayNames.keys());

function parseWindow(rule: string): SpeedWindow {
  const [, days, start = "", end = "", speed = ""] =
    /^((?:[a-z]{3}(?:-[a-z]{3})?\s+)*)(\d\d?:\d\d)-(\d\d?:\d\d)\s+(\S+)$/i.exec(rule) ?? [];
  if (days === undefined) throw notUnderstood(rule);
  return {
    days:
      days === ""
        ? everyDay
        : new Set(
            days
              .trim()
              .split(/\s+/)
              .flatMap((range) => daysOf(range, rule)),
          ),
    startMinute: minuteOf(start, rule),
    endMinute: minuteOf(end, rule),
    bytesPerSecond: parseSpeed(speed, rule),
  };
}

/** `mon` or `mon-fri`; `sat-mon` goes over the week's end. */
function daysOf(range: string, rule: string): number[] {
  const [first = "", last = first] = range.toLowerCase().split("-");
  const [from, to] = [dayNames.indexOf(first), dayNames.indexOf(last)];
  if (from < 0 || to < 0) throw notUnderstood(rule);
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, offset) => (from + offset) % 7);
}

function minuteOf(time: string, rule: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  if (minutes > 59 || hours * 60 + minutes > 24 * 60) throw notUnderstood(rule);
  return hours * 60 + minutes;
}

const factors: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function parseSpeed(speed: string, rule: string): number | undefined {
  if (speed.toLowerCase() === "unlimited") return undefined;
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(speed) ?? [];
  const factor = factors[unit.toLowerCase()];
  const bytesPerSecond = Number(digits) * (factor ?? Number.NaN);
  if (!Number.isFinite(bytesPerSecond)) throw notUnderstood(rule);
  // A kilobyte a second is the least that keeps a connection alive.
  if (bytesPerSecond > 0 && bytesPerSecond < slowestBytesPerSecond)
    throw notUnderstood(rule, "1K is the slowest; 0 is a pause.");
  return bytesPerSecond;
}

const slowestBytesPerSecond = 1024;

function notUnderstood(rule: string, hint = exampleHint): EngineError {
  return new EngineError("invalid-input", `This speed window is not understood: "${rule}"`, { hint });
}

const exampleHint =
  'Write windows such as "08:00-18:00 1M, else unlimited" or "mon-fri 22:00-06:00 0", with else at the end.';
