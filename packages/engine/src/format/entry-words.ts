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
  uidAt,
  userAt,
} from "./entry-table.ts";
import { modeIrregular } from "./file-mode.ts";
import { encodeName } from "./names.ts";
import type { Node } from "./node.ts";

/** What a row of an `EntryTable` says of an entry, as a node says it. */
export type EntryFacts = Pick<
  Node,
  | "mode"
  | "uid"
  | "gid"
  | "user"
  | "group"
  | "links"
  | "inode"
  | "deviceId"
  | "mtimeNs"
  | "atimeNs"
  | "ctimeNs"
  | "size"
>;

/** Adds an entry whose numbers are at hand one by one, and gives its row. */
export function addEntry(entries: EntryTable, name: string, facts: EntryFacts): number {
  const row = entries.add(encodeName(name));
  const { words } = entries;
  const at = row * entryWords;
  words[at + modeAt] = facts.mode;
  words[at + uidAt] = facts.uid;
  words[at + gidAt] = facts.gid;
  words[at + linksAt] = Number(facts.links);
  putUint64(words, at + inodeAt, facts.inode);
  putUint64(words, at + deviceAt, facts.deviceId);
  putTime(words, at + mtimeAt, facts.mtimeNs);
  putTime(words, at + atimeAt, facts.atimeNs);
  putTime(words, at + ctimeAt, facts.ctimeNs);
  putInteger(words, at + sizeAt, facts.size);
  words[at + userAt] = entries.textNumber(facts.user);
  words[at + groupAt] = entries.textNumber(facts.group);
  return row;
}

/** Adds an entry that could not be looked at: it is of type "other". */
export function addUnknownEntry(entries: EntryTable, name: string): void {
  markUnknown(entries, entries.add(encodeName(name)));
}

/** Says of a row that its entry could not be looked at. */
export function markUnknown({ words }: EntryTable, row: number): void {
  words.fill(0, row * entryWords, (row + 1) * entryWords);
  words[row * entryWords + modeAt] = modeIrregular;
}

/** Writes a number of 64 bits, signed or not, as two words. */
export function putUint64(words: Uint32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asUintN(32, value));
  words[at + 1] = Number(BigInt.asUintN(32, value >> 32n));
}

/** Writes an integer below 2^53, negative ones too, as two words. */
export function putInteger(words: Uint32Array, at: number, value: number): void {
  words[at] = value % 2 ** 32;
  words[at + 1] = Math.floor(value / 2 ** 32);
}

function putTime(words: Uint32Array, at: number, ns: bigint): void {
  const nanoseconds = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  putUint64(words, at, (ns - nanoseconds) / nsPerSecond);
  words[at + 2] = Number(nanoseconds);
}

const nsPerSecond = 1_000_000_000n;
