import { EngineError } from "../errors/engine-error.ts";

/**
 * Reads JSON (RFC 8259) piece by piece, each piece as the type that the caller expects there. Unlike `JSON.parse` it
 * - gives 64-bit integers exactly, and the raw text of what must be kept as it is,
 * - builds nothing that the caller does not ask for: a directory of a million entries is one text and a million nodes,
 * - never makes objects with keys that the writer chose.
 *
 * Whatever is wrong throws `corrupt-data` with `what` and the place. Like Go's decoder it skips keys with the value `null`, and keys that
 * the caller does not read.
 */
export class JsonReader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;
  /** Where the value of the last key starts: being there still means that nobody read it. */
  #unreadAt = -1;
  #lastKey = "";
  /** Which key followed which, and each key once. */
  readonly #followers = new Map<string, string>();
  readonly #keys = new Map<string, string>();

  /** `what` names the document in messages: "Snapshot", "Index file". */
  constructor(bytes: Uint8Array, what: string) {
    this.#what = what;
    try {
      this.#text = decoder.decode(bytes);
    } catch (cause) {
      throw new EngineError("corrupt-data", `${what} is not UTF-8, or too large to be read as text`, { cause });
    }
  }

  /**
   * Calls `read` for each key of the object here whose value is not null, in the order of the text. `read` reads the value with one call of
   * this reader, or leaves it alone: then it is skipped.
   */
  object(read: (key: string) => void): void {
    for (let key = this.firstKey(); key !== undefined; key = this.nextKey()) read(key);
  }

  /** `object` as a loop: enters the object here and gives its first key, undefined if there is none. */
  firstKey(): string | undefined {
    this.#open(openBrace, "an object");
    return this.#closes(closeBrace) ? undefined : this.#keyWithValue("");
  }

  /** The key after the last one, whose value is skipped if it was not read. Undefined at the end of the object, which is then left. */
  nextKey(): string | undefined {
    if (this.#at === this.#unreadAt) this.skip();
    return this.#continues(closeBrace) ? this.#keyWithValue(this.#lastKey) : undefined;
  }

  /** Calls `read` at each element of the array here; it must read the element. */
  array(read: () => void): void {
    this.#open(openBracket, "an array");
    if (this.#closes(closeBracket)) return;
    do read();
    while (this.#continues(closeBracket));
  }

  /** A string without lone surrogates: they become U+FFFD, as in Go. */
  string(): string {
    const start = this.#at;
    if (this.#text.charCodeAt(start) !== quote) this.#fail("a string");
    for (let at = start + 1; ; at += 1) {
      const unit = this.#text.charCodeAt(at);
      if (unit === quote) {
        this.#at = at + 1;
        return this.#text.slice(start + 1, at);
      }
      if (unit === backslash) return this.#escapedString(at);
      // NaN, at the end of the text, fails this comparison as well.
      if (!(unit >= space)) this.#fail("the rest of a string", at);
    }
  }

  /** Bytes as standard base64. */
  base64(): Uint8Array {
    const start = this.#at;
    const text = this.string();
    try {
      return Uint8Array.fromBase64(text);
    } catch {
      return this.#fail("base64", start);
    }
  }

  boolean(): boolean {
    const word = this.#text.startsWith("true", this.#at) ? "true" : "false";
    if (!this.#text.startsWith(word, this.#at)) this.#fail("true or false");
    this.#at += word.length;
    return word === "true";
  }

  /** An integer from 0 to 2^32 − 1. */
  uint32(): number {
    const start = this.#at;
    const value = this.#digits();
    return value <= 0xffff_ffff ? value : this.#fail("an integer of 32 bits", start);
  }

  /** An integer from 0 to 2^53 − 1: the sizes and counts that a number holds exactly. */
  safeInteger(): number {
    const start = this.#at;
    const value = this.#digits();
    return Number.isSafeInteger(value) ? value : this.#fail("an integer below 2^53", start);
  }

  /** An integer from 0 to 2^64 − 1. */
  uint64(): bigint {
    const start = this.#at;
    const value = this.#digits();
    if (Number.isSafeInteger(value)) return BigInt(value);
    // `#digits` checked them; the length keeps a hostile million of digits away from BigInt's quadratic parser.
    const exact = this.#at - start <= uint64DigitsMax ? BigInt(this.#text.slice(start, this.#at)) : uint64Max + 1n;
    return exact <= uint64Max ? exact : this.#fail("an integer of 64 bits", start);
  }

  /** The text of the value here, whatever it is. */
  raw(): string {
    const start = this.#at;
    this.skip();
    return this.#text.slice(start, this.#at);
  }

  /** Goes past the value here, whatever it is. Without recursion: depth is the writer's choice. */
  skip(): void {
    const closers: number[] = [];
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === openBrace || unit === openBracket) {
        if (closers.length >= depthMax) this.#fail(`at most ${depthMax} levels`);
        const closer = unit === openBrace ? closeBrace : closeBracket;
        this.#at += 1;
        this.#skipSpace();
        if (!this.#closes(closer)) {
          closers.push(closer);
          if (closer === closeBrace) this.#skipKey();
          continue;
        }
      } else {
        this.#skipScalar(unit);
      }
      while (closers.length > 0 && !this.#continues(closers.at(-1) as number)) closers.pop();
      if (closers.length === 0) return;
      if (closers.at(-1) === closeBrace) this.#skipKey();
    }
  }

  /** To be called after the document: there must be nothing more but white space. */
  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("the end");
  }

  #open(opener: number, expected: string): void {
    this.#skipSpace();
    this.#expect(opener, expected);
  }

  #closes(closer: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== closer) return false;
    this.#at += 1;
    return true;
  }

  /** After an element: true before the next, false past the end. */
  #continues(closer: number): boolean {
    this.#skipSpace();
    const unit = this.#text.charCodeAt(this.#at);
    this.#at += 1;
    if (unit !== comma && unit !== closer) this.#fail("a comma or the end of the list", this.#at - 1);
    if (unit === comma) this.#skipSpace();
    return unit === comma;
  }

  /** Goes past one character that must be there, and the white space after it. */
  #expect(unit: number, expected: string): void {
    if (this.#text.charCodeAt(this.#at) !== unit) this.#fail(expected);
    this.#at += 1;
    this.#skipSpace();
  }

  /** The next key with a value, from a key on; undefined past the end of the object. */
  #keyWithValue(keyBefore: string): string | undefined {
    let key = keyBefore;
    do {
      key = this.#keyAfter(key);
      this.#skipSpace();
      this.#expect(colon, "a colon");
      if (!this.#isNull()) {
        this.#lastKey = key;
        this.#unreadAt = this.#at;
        return key;
      }
    } while (this.#continues(closeBrace));
    return undefined;
  }

  /**
   * The key here. Writers repeat their keys in the same order, so the one that followed `keyBefore` last time is tried first: it costs one
   * comparison and no new string.
   */
  #keyAfter(keyBefore: string): string {
    const likely = this.#followers.get(keyBefore);
    const start = this.#at;
    if (likely !== undefined && this.#text.startsWith(likely, start)) {
      this.#at = start + likely.length;
      return this.#keys.get(likely) as string;
    }
    const key = this.string();
    const quoted = this.#text.slice(start, this.#at);
    this.#followers.set(keyBefore, quoted);
    let known = this.#keys.get(quoted);
    if (known === undefined) {
      // The name of a property is a string that the runtime has once: comparing it with the literals of a `switch` compares pointers.
      known = Object.keys({ [key]: true })[0] as string;
      this.#keys.set(quoted, known);
    }
    return known;
  }

  #skipKey(): void {
    this.string();
    this.#skipSpace();
    this.#expect(colon, "a colon");
  }

  #isNull(): boolean {
    if (this.#text.charCodeAt(this.#at) !== letterN || !this.#text.startsWith("null", this.#at)) return false;
    this.#at += "null".length;
    return true;
  }

  #skipScalar(unit: number): void {
    if (unit === quote) {
      this.string();
    } else if (unit === letterN) {
      if (!this.#isNull()) this.#fail("null");
    } else if (unit === letterT || unit === letterF) {
      this.boolean();
    } else {
      numberPattern.lastIndex = this.#at;
      if (!numberPattern.test(this.#text)) this.#fail("a value");
      this.#at = numberPattern.lastIndex;
    }
  }

  /** Reads an integer without sign; inexact from 2^53 on. */
  #digits(): number {
    const start = this.#at;
    let at = start;
    let value = 0;
    for (;;) {
      const digit = this.#text.charCodeAt(at) - digitZero;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      at += 1;
    }
    const hasLeadingZero = at > start + 1 && this.#text.charCodeAt(start) === digitZero;
    if (at === start || hasLeadingZero) this.#fail("an integer");
    this.#at = at;
    return value;
  }

  /** The string here has a backslash at `at`: the rare way, which leaves the escapes to the runtime. */
  #escapedString(backslashAt: number): string {
    const start = this.#at;
    let at = backslashAt;
    for (; ; at += 1) {
      const unit = this.#text.charCodeAt(at);
      if (unit === quote) break;
      if (unit === backslash) at += 1;
      else if (!(unit >= space)) this.#fail("the rest of a string", at);
    }
    this.#at = at + 1;
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, at + 1));
      return (value as string).toWellFormed();
    } catch {
      return this.#fail("a string with valid escapes", start);
    }
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== space && unit !== lineFeed && unit !== carriageReturn && unit !== tab) return;
      this.#at += 1;
    }
  }

  #fail(expected: string, at = this.#at): never {
    const found = at >= this.#text.length ? "the end" : JSON.stringify(this.#text.slice(at, at + shownMax));
    throw new EngineError("corrupt-data", `${this.#what}: expected ${expected} at character ${at}, found ${found}`);
  }
}

/** A byte order mark is not JSON, so it must not be taken off. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** No document of a repository nests deeper than five levels; Go's own limit for any JSON is 10,000. */
const depthMax = 10_000;

/** Enough to see what was found instead. */
const shownMax = 20;

const uint64Max = 0xffff_ffff_ffff_ffffn;
const uint64DigitsMax = 20;

/** Any JSON number. Sticky: matches at `lastIndex` only. */
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const tab = 0x09;
const comma = 0x2c;
const colon = 0x3a;
const digitZero = 0x30;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const letterN = 0x6e;
const letterT = 0x74;
const letterF = 0x66;
