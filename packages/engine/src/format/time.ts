import { EngineError } from "../errors/engine-error.ts";
import { dateFromDays, daysFromDate } from "./calendar.ts";
import { TextBuffer } from "./text-buffer.ts";
import { utcZone, type Zone } from "./zone.ts";

export { localZone, utcZone, type Zone } from "./zone.ts";

/**
 * RFC 3339 with nanoseconds as Go writes it: up to nine digits of fraction without trailing zeros, `Z` where the offset is zero, seconds of
 * odd historic offsets cut off. Years before 0 become 0 and years after 9999 become 9999, month, day and time of day kept, as restic
 * does with times that its format can't hold.
 */
export function formatTime(ns: bigint, zone: Zone): string {
  const text = new TextBuffer(timeMaxBytes);
  appendTime(text, ns, zone);
  return decoder.decode(text.bytes());
}

/** Writes what `formatTime` gives, without making a string of it. */
export function appendTime(out: TextBuffer, ns: bigint, zone: Zone): void {
  let seconds = Number(ns / nsPerSecond);
  let nanoseconds = Number(ns % nsPerSecond);
  if (nanoseconds < 0) {
    nanoseconds += 1e9;
    seconds -= 1;
  }
  let offset = zone(seconds);
  let days = Math.floor((seconds + offset) / secondsPerDay);
  if (days < firstDay || days > lastDay) {
    seconds = withYearInRange(seconds + offset, zone);
    offset = zone(seconds);
    days = Math.floor((seconds + offset) / secondsPerDay);
  }
  out.append(dateText(days));
  appendClock(out, seconds + offset - days * secondsPerDay);
  appendFraction(out, nanoseconds);
  out.append(zoneText(offset));
}

/** `2023-11-14T22:13:20.123456789+01:00`, and a little. */
const timeMaxBytes = 48;
const decoder = new TextDecoder();

/** Nanoseconds since 1970-01-01 UTC. Digits of the fraction after the ninth are cut. Throws `corrupt-data` for anything but RFC 3339. */
export function parseTime(text: string): bigint {
  const seconds = secondsOf(text);
  if (Number.isNaN(seconds)) throw notATime(text);
  const nanoseconds = text.charCodeAt(dateAndClockLength) === dot ? nanosecondsOf(text) : 0;
  return BigInt(seconds) * nsPerSecond + BigInt(nanoseconds);
}

/**
 * The zone of a time for calculations with it, as Go has it: `local` where its offset is the text's at that moment, otherwise an offset that never changes.
 * A time that ends with `Z` is in UTC, whatever `local` is. `text` is one that `parseTime` understands.
 */
export function zoneOf(text: string, local: Zone): Zone {
  if (text.endsWith("Z")) return utcZone;
  const seconds = secondsOf(text);
  if (Number.isNaN(seconds)) throw notATime(text);
  const offset = offsetOf(text, endOfFraction(text));
  return local(seconds) === offset ? local : () => offset;
}

const nsPerSecond = 1_000_000_000n;
const secondsPerDay = 86_400;

const firstDay = daysFromDate(0, 1, 1);
const lastDay = daysFromDate(9999, 12, 31);

/** Seconds since 1970 UTC of the clock time `localSeconds` moved to year 0 or 9999. 29 February becomes 1 March there, as in Go. */
function withYearInRange(localSeconds: number, zone: Zone): number {
  const days = Math.floor(localSeconds / secondsPerDay);
  const { month, day } = dateFromDays(days);
  const moved =
    daysFromDate(days < firstDay ? 0 : 9999, month, day) * secondsPerDay + (localSeconds - days * secondsPerDay);
  // The zone is known by UTC and wanted by local time: a guess, then the offset that holds there.
  return moved - zone(moved - zone(moved));
}

const twoDigits: readonly string[] = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));

let lastDateDays = Number.NaN;
let lastDateText = "";

/** Neighbours in a directory often have the same date: the last one is remembered. */
function dateText(days: number): string {
  if (days !== lastDateDays) {
    const { year, month, day } = dateFromDays(days);
    lastDateText = `${String(year).padStart(4, "0")}-${twoDigits[month]}-${twoDigits[day]}`;
    lastDateDays = days;
  }
  return lastDateText;
}

function appendClock(out: TextBuffer, secondOfDay: number): void {
  out.append("T");
  out.appendDigits(Math.floor(secondOfDay / 3600), 2);
  out.append(":");
  out.appendDigits(Math.floor(secondOfDay / 60) % 60, 2);
  out.append(":");
  out.appendDigits(secondOfDay % 60, 2);
}

function appendFraction(out: TextBuffer, nanoseconds: number): void {
  if (nanoseconds === 0) return;
  let digits = 9;
  let value = nanoseconds;
  while (value % 10 === 0) {
    value /= 10;
    digits -= 1;
  }
  out.append(".");
  out.appendDigits(value, digits);
}

function zoneText(offset: number): string {
  if (offset === 0) return "Z";
  const minutes = Math.trunc(Math.abs(offset) / 60);
  // Go decides the sign after it has cut the seconds off.
  return `${offset < 0 && minutes > 0 ? "-" : "+"}${twoDigits[Math.trunc(minutes / 60)]}:${twoDigits[minutes % 60]}`;
}

/** The length of `2023-11-14T22:13:20`. */
const dateAndClockLength = 19;
const dot = 0x2e;

function notATime(text: string): EngineError {
  return new EngineError("corrupt-data", `Not a time: ${JSON.stringify(text.slice(0, shownMax))}`);
}

/** Enough of a bad time to recognise it. */
const shownMax = 50;

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Whole seconds since 1970 UTC, NaN if the text is not RFC 3339. No regular expression: a tree has three times for every entry. */
function secondsOf(text: string): number {
  const year = digits(text, 0, 2) * 100 + digits(text, 2, 2);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separated =
    text[4] === "-" &&
    text[7] === "-" &&
    text[10] === "T" &&
    text[13] === ":" &&
    text[16] === ":" &&
    text.length > dateAndClockLength;
  // Written so that NaN, which any missing digit gives, fails every comparison.
  const inRange =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= lastDayOf(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!separated || !inRange) return Number.NaN;
  const offset = offsetOf(text, endOfFraction(text));
  return daysFromDate(year, month, day) * secondsPerDay + hour * 3600 + minute * 60 + second - offset;
}

function lastDayOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (daysOfMonth[month - 1] ?? Number.NaN);
}

/** The number of `count` digits at `at`, NaN if one is missing. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let next = at; next < at + count; next += 1) {
    const digit = text.charCodeAt(next) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Where the zone starts; NaN for a dot without digits. */
function endOfFraction(text: string): number {
  if (text.charCodeAt(dateAndClockLength) !== dot) return dateAndClockLength;
  let at = dateAndClockLength + 1;
  while (!Number.isNaN(digits(text, at, 1))) at += 1;
  return at === dateAndClockLength + 1 ? Number.NaN : at;
}

/** Seconds east of UTC, NaN unless the text ends with a zone that starts at `at`. */
function offsetOf(text: string, at: number): number {
  const sign = text[at];
  if (sign === "Z") return text.length === at + 1 ? 0 : Number.NaN;
  if ((sign !== "+" && sign !== "-") || text.length !== at + 6 || text[at + 3] !== ":") return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  const seconds = hours * 3600 + minutes * 60;
  return sign === "+" ? seconds : -seconds;
}

function nanosecondsOf(text: string): number {
  let value = 0;
  for (let place = 1; place <= 9; place += 1) {
    const digit = digits(text, dateAndClockLength + place, 1);
    if (Number.isNaN(digit)) return value * 10 ** (10 - place);
    value = value * 10 + digit;
  }
  return value;
}
