import { free } from "../flow/free.ts";
import { decodeName } from "./names.ts";
import {
  modeCharDevice,
  modeDevice,
  modeDirectory,
  modeFifo,
  modeIrregular,
  modeSocket,
  modeSymlink,
} from "./file-mode.ts";
import type { NodeType } from "./node.ts";

/**
 * Many entries in few objects: the name of each as bytes, and what `lstat` tells of it as 32-bit words. A directory on disk and a tree in the
 * repository become the same kind of table, so comparing two entries is comparing words: no strings, no 64-bit numbers, no garbage. It takes
 * 84 bytes and its name for an entry, so that a directory of a million has 100 MB.
 */
export class EntryTable {
  /** `entryWords` for each row, at the places below. */
  words: Uint32Array<ArrayBuffer>;
  /** The names one after another. */
  nameBytes: Uint8Array<ArrayBuffer>;
  /** What the words of users and groups are the numbers of. */
  readonly texts: string[] = [];
  #nameEnds: Uint32Array<ArrayBuffer>;
  #count = 0;

  /** The table that `columns` told. It takes the arrays over. */
  static of({ words, nameBytes, nameEnds, texts }: EntryColumns): EntryTable {
    const table = new EntryTable(0);
    table.words = words;
    table.nameBytes = nameBytes;
    table.texts.push(...texts);
    table.#nameEnds = nameEnds;
    table.#count = nameEnds.length;
    return table;
  }

  /** Grows as needed; `rows` only saves the growing. */
  constructor(rows = rowsAtFirst) {
    this.words = new Uint32Array(rows * entryWords);
    this.nameBytes = new Uint8Array(rows * nameBytesAtFirst);
    this.#nameEnds = new Uint32Array(rows);
  }

  get count(): number {
    return this.#count;
  }

  /** Gives the memory back. The table is not to be used again. */
  free(): void {
    for (const array of [this.words, this.nameBytes, this.#nameEnds]) free(array);
  }

  /** Adds an entry of this name (its bytes, as `encodeName` gives them) and gives its row, whose words are to be written. */
  add(source: Uint8Array, start = 0, end = source.length): number {
    const row = this.#count;
    const nameStart = this.nameEnd(row - 1);
    const nameEnd = nameStart + end - start;
    if (row === this.#nameEnds.length) {
      this.#nameEnds = grown(this.#nameEnds, row * 2);
      this.words = grown(this.words, row * 2 * entryWords);
    }
    if (nameEnd > this.nameBytes.length) this.nameBytes = grown(this.nameBytes, nameEnd * 2);
    // Names are short: a loop is faster than a view and a copy.
    for (let from = start, to = nameStart; from < end; from += 1, to += 1) this.nameBytes[to] = source[from] as number;
    this.#nameEnds[row] = nameEnd;
    this.#count += 1;
    return row;
  }

  /** Adds the rows of another table from `start` to before `end`. */
  addRows(from: EntryTable, start: number, end: number): void {
    for (let row = start; row < end; row += 1) {
      const at = this.add(from.nameBytes, from.nameEnd(row - 1), from.nameEnd(row)) * entryWords;
      for (let word = 0; word < userAt; word += 1) this.words[at + word] = from.word(row, word);
      this.words[at + userAt] = this.textNumber(from.texts[from.word(row, userAt)] ?? "");
      this.words[at + groupAt] = this.textNumber(from.texts[from.word(row, groupAt)] ?? "");
    }
  }

  /** All that is in the table, as it can be posted to another thread. */
  columns(): EntryColumns {
    return {
      words: this.words.slice(0, this.#count * entryWords),
      nameBytes: this.nameBytes.slice(0, this.nameEnd(this.#count - 1)),
      nameEnds: this.#nameEnds.slice(0, this.#count),
      texts: this.texts,
    };
  }

  /** Takes all entries out. The memory is kept for the next ones, unless it is very much. */
  clear(): void {
    this.#count = 0;
    this.texts.length = 0;
    if (this.#nameEnds.length <= rowsKept) return;
    this.free();
    this.words = new Uint32Array(rowsAtFirst * entryWords);
    this.nameBytes = new Uint8Array(rowsAtFirst * nameBytesAtFirst);
    this.#nameEnds = new Uint32Array(rowsAtFirst);
  }

  /** Where the row's name ends in `nameBytes`, and the next one's begins. Row −1 ends at 0. */
  nameEnd(row: number): number {
    return row < 0 ? 0 : (this.#nameEnds[row] as number);
  }

  /** The name as an escaped string (`names.ts`). */
  name(row: number): string {
    return decodeName(this.nameBytes.subarray(this.nameEnd(row - 1), this.nameEnd(row)));
  }

  /** One of the words of a row. */
  word(row: number, at: number): number {
    return this.words[row * entryWords + at] as number;
  }

  /** The number of a text, for the words of users and groups. */
  textNumber(text: string): number {
    // The newest first: neighbours mostly have one owner. There are as many as a machine has users.
    const known = this.texts.lastIndexOf(text);
    return known === -1 ? this.texts.push(text) - 1 : known;
  }

  type(row: number): NodeType | "other" {
    return typeOfMode(this.word(row, modeAt));
  }

  /** Bytes; of anything but a regular file whatever the system says. */
  size(row: number): number {
    return this.word(row, sizeAt + 1) * 2 ** 32 + this.word(row, sizeAt);
  }

  deviceId(row: number): bigint {
    return (BigInt(this.word(row, deviceAt + 1)) << 32n) | BigInt(this.word(row, deviceAt));
  }

  /** The row of the entry whose name is these bytes, or −1. The names of this table must ascend. */
  find(source: Uint8Array, start = 0, end = source.length): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.compareName(middle, source, start, end);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** Orders the name of a row and these bytes: negative, zero or positive. */
  compareName(row: number, source: Uint8Array, start = 0, end = source.length): number {
    const nameStart = this.nameEnd(row - 1);
    const nameLength = this.nameEnd(row) - nameStart;
    const shorter = Math.min(nameLength, end - start);
    for (let at = 0; at < shorter; at += 1) {
      const difference = (this.nameBytes[nameStart + at] as number) - (source[start + at] as number);
      if (difference !== 0) return difference;
    }
    return nameLength - (end - start);
  }
}

/** What a table is made of, without room to spare. */
export interface EntryColumns {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly nameBytes: Uint8Array<ArrayBuffer>;
  readonly nameEnds: Uint32Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** Where in a row what is. Numbers of 64 bits have their lower half first; times have seconds in 64 bits and then nanoseconds. */
export const modeAt = 0;
export const uidAt = 1;
export const gidAt = 2;
/** 0 for what a node has no links of. */
export const linksAt = 3;
export const inodeAt = 4;
export const deviceAt = 6;
export const mtimeAt = 8;
/** The mtime, unless times of access are wanted. */
export const atimeAt = 11;
export const ctimeAt = 14;
export const sizeAt = 17;
/** Numbers of texts, which differ from table to table. */
export const userAt = 19;
export const groupAt = 20;
/** How many words a row has. */
export const entryWords = 21;

/** What any two tables must agree in, whatever the entry is. */
const comparedWords = sizeAt;

/**
 * Whether two entries are the same but for their names: nothing that `lstat` tells differs, nor the names of their owners. The size counts for
 * regular files only, as in a node.
 */
export function isSameEntry(a: EntryTable, rowA: number, b: EntryTable, rowB: number): boolean {
  const atA = rowA * entryWords;
  const atB = rowB * entryWords;
  for (let at = 0; at < comparedWords; at += 1) if (a.words[atA + at] !== b.words[atB + at]) return false;
  const isFile = isRegular(a.words[atA + modeAt] as number);
  if (
    isFile &&
    (a.words[atA + sizeAt] !== b.words[atB + sizeAt] || a.words[atA + sizeAt + 1] !== b.words[atB + sizeAt + 1])
  )
    return false;
  return (
    a.texts[a.words[atA + userAt] as number] === b.texts[b.words[atB + userAt] as number] &&
    a.texts[a.words[atA + groupAt] as number] === b.texts[b.words[atB + groupAt] as number]
  );
}

/** What Go's mode says of the type. */
export function typeOfMode(mode: number): NodeType | "other" {
  if (isRegular(mode)) return "file";
  if ((mode & modeDirectory) !== 0) return "dir";
  if ((mode & modeSymlink) !== 0) return "symlink";
  if ((mode & modeFifo) !== 0) return "fifo";
  if ((mode & modeSocket) !== 0) return "socket";
  if ((mode & modeCharDevice) !== 0) return "chardev";
  return (mode & modeDevice) !== 0 ? "dev" : "other";
}

export function isRegular(mode: number): boolean {
  return (mode & typeBits) === 0;
}

const typeBits = modeDirectory | modeSymlink | modeDevice | modeFifo | modeSocket | modeCharDevice | modeIrregular;

/** Most directories have fewer entries. */
const rowsAtFirst = 32;
const nameBytesAtFirst = 16;
/** 2 MB. */
const rowsKept = 16_384;

function grown<Array extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: Array, length: number): Array {
  const larger = new (array.constructor as new (length: number) => Array)(length);
  larger.set(array);
  free(array);
  return larger;
}
