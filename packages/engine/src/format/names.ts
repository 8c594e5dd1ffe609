import { EngineError } from "../errors/engine-error.ts";
import { concatBytes } from "./concat-bytes.ts";
import { isPrintable } from "./printable-ranges-15.ts";

/**
 * File names are bytes, and most are UTF-8. In memory they are **escaped strings**: valid UTF-8 is itself, and each byte that is not part of
 * valid UTF-8 is the lone surrogate U+DC00 + byte. Every byte sequence has exactly one such string, ordinary names read as they are, and
 * comparing strings compares names.
 */
export function decodeName(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return decodeBadName(bytes);
  }
}

/** The bytes of an escaped string. Surrogates that stand for no byte, as Windows allows in names, become three bytes each as in Go (WTF-8). */
export function encodeName(name: string): Uint8Array {
  return name.isWellFormed() ? encoder.encode(name) : encodeBadName(name);
}

/** Orders escaped strings by their bytes, as trees are ordered. Negative, zero or positive. (UTF-16 order differs beyond U+FFFF.) */
export function compareNames(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA === unitB) continue;
    // UTF-8 keeps the order of code points, and so do UTF-16 units as long as none of them is a surrogate.
    return isSurrogate(unitA) || isSurrogate(unitB) ? compareBytes(encodeName(a), encodeName(b)) : unitA - unitB;
  }
  return a.length - b.length;
}

/** By bytes. Without surrogates and what comes after them, UTF-16's order is the bytes' order, and the built-in sort is faster. */
export function sortNames(names: readonly string[]): readonly string[] {
  return names.some((name) => /[\ud800-\uffff]/.test(name)) ? names.toSorted(compareNames) : names.toSorted();
}

/**
 * How a tree spells a name: Go's `strconv.Quote` without the outer quotes (restic design.rst, "Trees and Data"). Printable characters are
 * themselves, everything else is an escape of ASCII letters.
 */
export function quoteName(name: string): string {
  return isPlain(name) ? name : quoteCharacters(name);
}

/** The name that `quoteName` spelt. Throws `corrupt-data` for what Go's `strconv.Unquote` refuses. */
export function unquoteName(text: string): string {
  if (isPlain(text) || (!endsARun.test(text) && text.isWellFormed())) return text;
  return unquoteCharacters(text);
}

/**
 * A name or path as a person may see it: control characters, marks that turn the writing direction, line separators and bytes that are no
 * text become escapes, so that a hostile name can't drive a terminal or pose as another. Not for storing: backslashes stay as they are.
 */
export function displayName(name: string): string {
  if (isPlain(name)) return name;
  let text = "";
  for (const character of name) {
    const codePoint = character.codePointAt(0) as number;
    text += isBadByte(codePoint) || unsafeOnTerminal.test(character) ? quoteCodePoint(codePoint) : character;
  }
  return text;
}

/**
 * The name as programs that know no escaped strings may have it, such as JSON output: each bad byte becomes U+FFFD, as restic does. Not
 * reversible.
 */
export function replaceBadBytes(name: string): string {
  return name.toWellFormed();
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** C0, DEL, C1, Arabic letter mark, direction marks, line and paragraph separators, direction embeddings and isolates, lone surrogates. */
// oxlint-disable-next-line no-control-regex -- these are the characters it is about
const unsafeOnTerminal = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u;

const quote = 0x22;
const backslash = 0x5c;

/** Tells whether both spellings are the same because there are only printable ASCII characters: nearly all names. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash) return false;
  }
  return true;
}

function isSurrogate(codePoint: number): boolean {
  return codePoint >= 0xd800 && codePoint <= 0xdfff;
}

/** Tells whether a lone surrogate stands for a byte that is not part of valid UTF-8; such bytes are 0x80 or more. */
function isBadByte(codePoint: number): boolean {
  return codePoint >= 0xdc80 && codePoint <= 0xdcff;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Decodes valid runs as they are and every other byte alone, as Go walks over a string. */
function decodeBadName(bytes: Uint8Array): string {
  let name = "";
  let runStart = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = validLengthAt(bytes, at);
    if (length === 0) {
      name += strictDecoder.decode(bytes.subarray(runStart, at));
      name += String.fromCharCode(0xdc00 + (bytes[at] as number));
      at += 1;
      runStart = at;
    } else {
      at += length;
    }
  }
  return name + strictDecoder.decode(bytes.subarray(runStart));
}

/** How many bytes the valid UTF-8 sequence at `at` has, 0 if there is none (RFC 3629: no overlongs, no surrogates, at most U+10FFFF). */
function validLengthAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (at + length > bytes.length) return 0;
  for (let next = at + 1; next < at + length; next += 1) {
    if (((bytes[next] as number) & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1] as number;
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second > 0x9f) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  if (lead === 0xf4 && second > 0x8f) return 0;
  return length;
}

function encodeBadName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of name) {
    const codePoint = character.codePointAt(0) as number;
    if (isBadByte(codePoint)) bytes.push(codePoint - 0xdc00);
    else if (isSurrogate(codePoint)) bytes.push(0xed, 0x80 | ((codePoint >> 6) & 0x3f), 0x80 | (codePoint & 0x3f));
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

const letterEscapes: ReadonlyMap<number, string> = new Map([
  [quote, '\\"'],
  [backslash, "\\\\"],
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x0b, "\\v"],
]);

function quoteCharacters(name: string): string {
  let text = "";
  for (const character of name) {
    const codePoint = character.codePointAt(0) as number;
    const escape = letterEscapes.get(codePoint);
    text += escape ?? (isPrintable(codePoint) ? character : quoteCodePoint(codePoint));
  }
  return text;
}

function quoteCodePoint(codePoint: number): string {
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  if (isBadByte(codePoint)) return `\\x${hex(codePoint - 0xdc00, 2)}`;
  if (isSurrogate(codePoint))
    return Array.from(encodeBadName(String.fromCharCode(codePoint)), (byte) => `\\x${hex(byte, 2)}`).join("");
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

const letterMeanings: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["v", 0x0b],
  ["\\", backslash],
  ['"', quote],
]);

const endsARun = /[\\"\n]/;

/** One escape, or a run of other characters but `"` and line feed; anything else is an error. Sticky: matches where the last match ended. */
const quotedPart =
  /\\(?:x(?<byte>[0-9a-fA-F]{2})|u(?<short>[0-9a-fA-F]{4})|U(?<long>[0-9a-fA-F]{8})|(?<octal>[0-7]{3})|(?<letter>[abfnrtv\\"]))|(?<run>[^\\"\n]+)/y;

/** Goes through bytes, because `\x` gives bytes: `\xc3\xa9` is the same name as `é` and must be the same string. */
function unquoteCharacters(text: string): string {
  const bytes: Uint8Array[] = [];
  let at = 0;
  while (at < text.length) {
    quotedPart.lastIndex = at;
    const groups = quotedPart.exec(text)?.groups;
    const part = groups === undefined ? undefined : bytesOfPart(groups);
    if (part === undefined)
      throw new EngineError("corrupt-data", `Not a quoted file name: ${JSON.stringify(text.slice(0, shownMax))}`);
    bytes.push(part);
    at = quotedPart.lastIndex;
  }
  return decodeName(concatBytes(bytes));
}

/** Enough of a bad name to recognise it; a hostile one may have megabytes. */
const shownMax = 100;

/** Undefined for an escape of something that does not exist: a surrogate, a code point beyond U+10FFFF, an octal byte beyond 255. */
function bytesOfPart(groups: Record<string, string | undefined>): Uint8Array | undefined {
  const { byte, octal, letter, run } = groups;
  if (run !== undefined) return encodeName(run.toWellFormed());
  if (letter !== undefined) return Uint8Array.of(letterMeanings.get(letter) as number);
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  if (octal !== undefined) {
    const value = Number.parseInt(octal, 8);
    return value > 0xff ? undefined : Uint8Array.of(value);
  }
  const codePoint = Number.parseInt((groups["short"] ?? groups["long"]) as string, 16);
  if (codePoint > 0x10ffff || isSurrogate(codePoint)) return undefined;
  return encoder.encode(String.fromCodePoint(codePoint));
}
