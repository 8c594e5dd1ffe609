import { dateFromDays, daysFromDate } from "./calendar.ts";
import {
  atimeAt,
  ctimeAt,
  deviceAt,
  type EntryTable,
  entryWords,
  gidAt,
  groupAt,
  inodeAt,
  linksAt,
  modeAt,
  mtimeAt,
  sizeAt,
  typeOfMode,
  uidAt,
  userAt,
} from "./entry-table.ts";
import { putInteger, putUint64 } from "./entry-words.ts";
import { encodeName, unquoteName } from "./names.ts";
import type { NodeType } from "./node.ts";
import { TreeRoom } from "./tree-room.ts";
import { decodeTreeEntry, isEntryName } from "./tree.ts";
import {
  contentCountPlace,
  contentPlace,
  endPlace,
  idLength,
  placesPerRow,
  rarePlace,
  startPlace,
  subtreePlace,
  TreeRows,
} from "./tree-rows.ts";

/**
 * Reads a tree that is written just as `encodeTree` writes it: keys in their order, nothing that this program does not know, names ascending. Gives
 * undefined for any other, damaged or not: `decodeTree` tells which. The rows are good until `room` is used again.
 */
export function readTreeRows(bytes: Uint8Array, room: TreeRoom = new TreeRoom()): TreeRows | undefined {
  return new TreeRowReader(bytes, room).read();
}

const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface LastDate {
  start: number;
  seconds: number;
}

/** Goes through the bytes once. Its methods give false, and then all is over, for what is not as `encodeTree` writes it. */
class TreeRowReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #room: TreeRoom;
  readonly #entries: EntryTable;
  #places: Uint32Array;
  #at = 0;
  #number = 0;
  /** Neighbours often have the same date: the last one of each time is remembered. */
  readonly #mtimeDate: LastDate = { start: 0, seconds: 0 };
  readonly #otherDate: LastDate = { start: 0, seconds: 0 };
  readonly #user = { start: 0, end: 0, number: 0 };
  readonly #group = { start: 0, end: 0, number: 0 };

  constructor(bytes: Uint8Array, room: TreeRoom) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#room = room;
    this.#entries = room.entries;
    this.#entries.clear();
    this.#entries.textNumber("");
    this.#places = room.places(0);
  }

  read(): TreeRows | undefined {
    if (!this.#literal(opening)) return undefined;
    const isEmpty = this.#bytes[this.#at] === closingBracket;
    if (!isEmpty)
      do if (!this.#entry()) return undefined;
      while (this.#byte(comma));
    if (!this.#byte(closingBracket) || !this.#byte(closingBrace) || !this.#byte(lineFeed)) return undefined;
    if (this.#at !== this.#bytes.length) return undefined;
    return new TreeRows(this.#bytes, this.#entries, this.#places);
  }

  #entry(): boolean {
    const start = this.#at;
    const row = this.#entries.count;
    if (!this.#literal(keys.name) || !this.#name() || !this.#literal(keys.type)) return false;
    const type = this.#type();
    if (type === undefined) return false;
    const place = row * placesPerRow;
    if (place + placesPerRow > this.#places.length) this.#places = this.#room.places(2 * (place + placesPerRow));
    const places = this.#places;
    places.fill(0, place, place + placesPerRow);
    const words = this.#entries.words;
    const at = row * entryWords;
    words.fill(0, at, at + entryWords);
    if (this.#literal(keys.mode) && !this.#uint32(words, at + modeAt)) return false;
    // A type that the mode does not show is damage, or from a future program.
    if (typeOfMode(words[at + modeAt] as number) !== type) return false;
    if (!this.#times(words, at)) return false;
    if (!this.#uint32(words, at + uidAt) || !this.#literal(keys.gid) || !this.#uint32(words, at + gidAt)) return false;
    if (this.#literal(keys.user) && !this.#text(words, at + userAt, this.#user)) return false;
    if (this.#literal(keys.group) && !this.#text(words, at + groupAt, this.#group)) return false;
    if (this.#literal(keys.inode) && !this.#uint64(words, at + inodeAt)) return false;
    if (this.#literal(keys.deviceId) && !this.#uint64(words, at + deviceAt)) return false;
    if (this.#literal(keys.size)) {
      if (!this.#integer()) return false;
      putInteger(words, at + sizeAt, this.#number);
    }
    if (this.#literal(keys.links) && !this.#uint32(words, at + linksAt)) return false;
    const rareAt = this.#at;
    if (!this.#rareMembers()) return false;
    const isRare = this.#at !== rareAt;
    if (!this.#content(places, place, type) || !this.#subtree(places, place, type)) return false;
    if (!this.#byte(closingBrace)) return false;
    places[place + startPlace] = start;
    places[place + endPlace] = this.#at;
    places[place + rarePlace] = isRare ? 1 : 0;
    return !isRare || this.#isReadable(start);
  }

  #name(): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let isPlain = true;
    for (; bytes[at] !== quote; at += 1) {
      const byte = bytes[at];
      if (byte === undefined) return false;
      if (plainInNames[byte] === 1) continue;
      isPlain = false;
      if (byte === backslash) at += 1;
    }
    this.#at = at + 1;
    const entries = this.#entries;
    if (!isPlain) {
      const name = this.#unusualName(start - 1, at + 1);
      if (name === undefined) return false;
      entries.add(name);
    } else {
      if (
        at === start ||
        (bytes[start] === dot && (at - start === 1 || (at - start === 2 && bytes[start + 1] === dot)))
      )
        return false;
      entries.add(bytes, start, at);
    }
    return entries.count === 1 || this.#ascends();
  }

  /** Between quotes: with escapes, or not ASCII. */
  #unusualName(start: number, end: number): Uint8Array | undefined {
    try {
      const name = unquoteName(stringIn(this.#bytes, start, end));
      return isEntryName(name) ? encodeName(name) : undefined;
    } catch {
      return undefined;
    }
  }

  #ascends(): boolean {
    const { nameBytes, count } = this.#entries;
    const start = this.#entries.nameEnd(count - 3);
    const middle = this.#entries.nameEnd(count - 2);
    const end = this.#entries.nameEnd(count - 1);
    const shorter = Math.min(middle - start, end - middle);
    for (let at = 0; at < shorter; at += 1) {
      const difference = (nameBytes[middle + at] as number) - (nameBytes[start + at] as number);
      if (difference !== 0) return difference > 0;
    }
    return end - middle > middle - start;
  }

  #type(): NodeType | undefined {
    for (const { type, word } of types) if (this.#literal(word)) return type;
    return undefined;
  }

  /** The three times, from the key of the first to the key behind the last. */
  #times(words: Uint32Array, at: number): boolean {
    if (!this.#literal(keys.mtime)) return false;
    const start = this.#at;
    if (!this.#time(words, at + mtimeAt, this.#mtimeDate)) return false;
    const end = this.#at;
    return (
      this.#literal(keys.atime) &&
      this.#timeLike(words, at + atimeAt, start, end, at + mtimeAt) &&
      this.#literal(keys.ctime) &&
      this.#timeLike(words, at + ctimeAt, start, end, at + mtimeAt) &&
      this.#literal(keys.uid)
    );
  }

  /** A time that is mostly spelt as the one from `start` to `end`, whose words are at `known`. */
  #timeLike(words: Uint32Array, at: number, start: number, end: number, known: number): boolean {
    const bytes = this.#bytes;
    const here = this.#at;
    const length = end - start;
    if (!this.#isSame(here, start, length) || bytes[here + length] !== quote)
      return this.#time(words, at, this.#otherDate);
    words.copyWithin(at, known, known + 3);
    this.#at = here + length;
    return true;
  }

  #time(words: Uint32Array, to: number, lastDate: LastDate): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const daySeconds = this.#dateSeconds(start, lastDate);
    const hour = this.#twoDigits(start + 11);
    const minute = this.#twoDigits(start + 14);
    const second = this.#twoDigits(start + 17);
    if (bytes[start + 10] !== letterT || bytes[start + 13] !== colon || bytes[start + 16] !== colon) return false;
    // NaN, which any missing digit gives, fails these.
    if (!(hour <= 23 && minute <= 59 && second <= 59) || Number.isNaN(daySeconds)) return false;
    this.#at = start + clockLength;
    let nanoseconds = 0;
    if (this.#byte(dot)) {
      const fraction = this.#at;
      if (!this.#digits() || this.#at - fraction > nanosecondDigits) return false;
      nanoseconds = this.#number * (powersOfTen[nanosecondDigits - (this.#at - fraction)] as number);
    }
    const offset = this.#zone();
    if (Number.isNaN(offset)) return false;
    putInteger(words, to, daySeconds + hour * 3600 + minute * 60 + second - offset);
    words[to + 2] = nanoseconds;
    return true;
  }

  /** The seconds of a date's midnight, NaN if there is no date. */
  #dateSeconds(start: number, last: LastDate): number {
    const bytes = this.#bytes;
    if (this.#isSame(start, last.start, dateLength)) return last.seconds;
    const year = this.#twoDigits(start) * 100 + this.#twoDigits(start + 2);
    const month = this.#twoDigits(start + 5);
    const day = this.#twoDigits(start + 8);
    const days = daysFromDate(year, month, day);
    // The way back notices a month 13 and a 30 February. NaN is never the same.
    const found = dateFromDays(days);
    const isDate = found.year === year && found.month === month && found.day === day;
    if (!isDate || bytes[start + 4] !== minus || bytes[start + 7] !== minus) return Number.NaN;
    last.start = start;
    last.seconds = days * secondsPerDay;
    return last.seconds;
  }

  /** Seconds east of UTC, NaN if there is no zone. */
  #zone(): number {
    const at = this.#at;
    const sign = this.#bytes[at];
    if (sign === letterZ) {
      this.#at = at + 1;
      return 0;
    }
    const hours = this.#twoDigits(at + 1);
    const minutes = this.#twoDigits(at + 4);
    const isZone = (sign === plus || sign === minus) && this.#bytes[at + 3] === colon && hours <= 23 && minutes <= 59;
    if (!isZone) return Number.NaN;
    this.#at = at + zoneLength;
    return (hours * 3600 + minutes * 60) * (sign === minus ? -1 : 1);
  }

  #twoDigits(at: number): number {
    const tens = (this.#bytes[at] as number) - digitZero;
    const ones = (this.#bytes[at + 1] as number) - digitZero;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
  }

  /** A string that is mostly the same as in the entry before. */
  #text(words: Uint32Array, to: number, last: { start: number; end: number; number: number }): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const length = last.end - last.start;
    if (length === 0 || !this.#isSame(start, last.start, length)) {
      const end = this.#stringEnd();
      if (end === -1) return false;
      try {
        last.number = this.#entries.textNumber(stringIn(bytes, start, end));
      } catch {
        return false;
      }
      last.start = start;
      last.end = end;
    }
    words[to] = last.number;
    this.#at = start + last.end - last.start;
    return true;
  }

  /** What few entries have: goes past it. */
  #rareMembers(): boolean {
    for (const key of [keys.linkTarget, keys.linkTargetRaw]) {
      if (!this.#literal(key)) continue;
      const end = this.#stringEnd();
      if (end === -1) return false;
      this.#at = end;
    }
    for (const key of [keys.extendedAttributes, keys.genericAttributes])
      if (this.#literal(key) && !this.#brackets()) return false;
    return !this.#literal(keys.device) || this.#digits();
  }

  /** What was only gone past: the strict reader must be able to read it. */
  #isReadable(start: number): boolean {
    try {
      decodeTreeEntry(this.#bytes.subarray(start, this.#at));
      return true;
    } catch {
      return false;
    }
  }

  #content(places: Uint32Array, place: number, type: NodeType): boolean {
    if (this.#literal(keys.noContent)) return true;
    if (type !== "file" || !this.#literal(keys.content)) return false;
    places[place + contentPlace] = this.#at + 1;
    let count = 0;
    if (this.#byte(closingBracket)) return true;
    do {
      if (!this.#id()) return false;
      count += 1;
    } while (this.#byte(comma));
    places[place + contentCountPlace] = count;
    return this.#byte(closingBracket);
  }

  #subtree(places: Uint32Array, place: number, type: NodeType): boolean {
    if (!this.#literal(keys.subtree)) return true;
    places[place + subtreePlace] = this.#at + 1;
    return type === "dir" && this.#id();
  }

  #id(): boolean {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    if (bytes[start - 1] !== quote || bytes[start + idLength] !== quote) return false;
    let areDigits = 1;
    for (let at = start; at < start + idLength; at += 1) areDigits &= isHexDigit[bytes[at] as number] as number;
    this.#at = start + idLength + 1;
    return areDigits === 1;
  }

  /** Where the string here ends; −1 if it does not. */
  #stringEnd(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] !== quote) return -1;
    for (at += 1; at < bytes.length; at += 1) {
      if (bytes[at] === quote) return at + 1;
      if (bytes[at] === backslash) at += 1;
    }
    return -1;
  }

  /** Goes past an array or object. */
  #brackets(): boolean {
    let depth = 0;
    for (; this.#at < this.#bytes.length; this.#at += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === quote) {
        const end = this.#stringEnd();
        if (end === -1) return false;
        this.#at = end - 1;
      } else if (byte === openingBracket || byte === openingBrace) {
        depth += 1;
      } else if (byte === closingBracket || byte === closingBrace) {
        depth -= 1;
      }
      if (depth === 0) {
        this.#at += 1;
        return true;
      }
    }
    return false;
  }

  #uint32(words: Uint32Array, to: number): boolean {
    if (!this.#integer() || this.#number > 0xffff_ffff) return false;
    words[to] = this.#number;
    return true;
  }

  #uint64(words: Uint32Array, to: number): boolean {
    const start = this.#at;
    if (this.#integer()) {
      putInteger(words, to, this.#number);
      return true;
    }
    // `#integer` has gone past its digits.
    if (this.#at - start > uint64DigitsMax || this.#at === start) return false;
    const exact = BigInt(latin1.decode(this.#bytes.subarray(start, this.#at)));
    putUint64(words, to, exact);
    return exact < 2n ** 64n;
  }

  /** An integer below 2^53. */
  #integer(): boolean {
    return this.#digits() && Number.isSafeInteger(this.#number);
  }

  /** Goes past digits; `#number` is inexact from 2^53 on. */
  #digits(): boolean {
    const start = this.#at;
    let at = start;
    let value = 0;
    for (;;) {
      const digit = (this.#bytes[at] as number) - digitZero;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      at += 1;
    }
    this.#number = value;
    this.#at = at;
    return at > start;
  }

  #byte(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  /** Goes past these bytes if they are here. */
  #literal({ length, words }: Literal): boolean {
    const start = this.#at;
    if (start + length > this.#bytes.length) return false;
    // Four bytes at a time, the last four of them perhaps in part again.
    const last = words.length - 1;
    if (this.#view.getUint32(start + length - 4, true) !== words[last]) return false;
    for (let word = 0; word < last; word += 1)
      if (this.#view.getUint32(start + word * 4, true) !== words[word]) return false;
    this.#at = start + length;
    return true;
  }

  /** Whether the `length` bytes from `start` on are those from `other` on, which are there. */
  #isSame(start: number, other: number, length: number): boolean {
    const bytes = this.#bytes;
    if (start + length > bytes.length) return false;
    let at = 0;
    for (; at + 4 <= length; at += 4)
      if (this.#view.getUint32(start + at, true) !== this.#view.getUint32(other + at, true)) return false;
    for (; at < length; at += 1) if (bytes[start + at] !== bytes[other + at]) return false;
    return true;
  }
}

/** Bytes to be found, cut into words of four, of which the last is that of the last four bytes. There are four or more. */
interface Literal {
  readonly length: number;
  readonly words: Uint32Array;
}

function literal(text: string): Literal {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(bytes.buffer);
  const starts = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, word) => Math.min(word * 4, bytes.length - 4));
  return { length: bytes.length, words: Uint32Array.from(starts, (start) => view.getUint32(start, true)) };
}

/** The JSON string that begins and ends with its quotes there. Throws for what is none. */
function stringIn(bytes: Uint8Array, start: number, end: number): string {
  const value: unknown = JSON.parse(utf8.decode(bytes.subarray(start, end)));
  return (value as string).toWellFormed();
}

const opening = literal('{"nodes":[');

/** The keys with what surrounds them. */
const keys = {
  name: literal('{"name":"'),
  type: literal(',"type":"'),
  mode: literal(',"mode":'),
  mtime: literal(',"mtime":"'),
  atime: literal('","atime":"'),
  ctime: literal('","ctime":"'),
  uid: literal('","uid":'),
  gid: literal(',"gid":'),
  user: literal(',"user":'),
  group: literal(',"group":'),
  inode: literal(',"inode":'),
  deviceId: literal(',"device_id":'),
  size: literal(',"size":'),
  links: literal(',"links":'),
  linkTarget: literal(',"linktarget":'),
  linkTargetRaw: literal(',"linktarget_raw":'),
  extendedAttributes: literal(',"extended_attributes":'),
  genericAttributes: literal(',"generic_attributes":'),
  device: literal(',"device":'),
  noContent: literal(',"content":null'),
  content: literal(',"content":['),
  subtree: literal(',"subtree":'),
};

/** The types with the quote behind them, the frequent ones first. */
const types = (["file", "dir", "symlink", "fifo", "socket", "dev", "chardev"] as const).map((type) => ({
  type,
  word: literal(`${type}"`),
}));

const quote = 0x22;
const lineFeed = 0x0a;
const backslash = 0x5c;
const dot = 0x2e;
const comma = 0x2c;
const colon = 0x3a;
const plus = 0x2b;
const minus = 0x2d;
const letterT = 0x54;
const letterZ = 0x5a;
const digitZero = 0x30;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;
const closingBracket = 0x5d;

/** Printable ASCII that is spelt as itself, and may be in a name. */
const plainInNames = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f && !'"\\/'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

const isHexDigit = Uint8Array.from({ length: 256 }, (_, byte) =>
  "0123456789abcdef".includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** The lengths of `2023-11-14`, `2023-11-14T22:13:20` and `+01:00`. */
const dateLength = 10;
const secondsPerDay = 86_400;
const clockLength = 19;
const zoneLength = 6;
const nanosecondDigits = 9;
const powersOfTen = Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);
const uint64DigitsMax = 20;
