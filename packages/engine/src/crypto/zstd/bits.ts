import { mustHold } from "./broken-frame.ts";

/** Reads bits from a stream's beginning on, lowest bit of each byte first (RFC 8878, section 4.1.1). */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `count` bits, at most 16. Past the end there are zeros; `bytesRead` tells that in the end. */
  read(count: number): number {
    const value = bitsAt(this.#bytes, this.#at, count);
    this.#at += count;
    return value;
  }

  /** Gives back the bits read last. */
  unread(count: number): void {
    this.#at -= count;
  }

  /** How many bytes were begun. */
  get bytesRead(): number {
    const bytesRead = (this.#at + 7) >>> 3;
    mustHold(bytesRead <= this.#bytes.length, "a table's description ends too early");
    return bytesRead;
  }
}

/**
 * Reads bits from a stream's end backwards (RFC 8878, section 4.1). The highest set bit of the last byte marks where it begins.
 */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Bits that are left; below zero once more was read than there is. */
  #left: number;

  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    mustHold(last !== 0, "a bit stream has its end mark");
    this.#bytes = bytes;
    this.#left = 8 * (bytes.length - 1) + 31 - Math.clz32(last);
  }

  get left(): number {
    return this.#left;
  }

  /** The next `count` bits, at most 31, as a number. Before the beginning there are zeros. */
  read(count: number): number {
    const value = this.peek(count);
    this.#left -= count;
    return value;
  }

  /** The same bits, without moving on. */
  peek(count: number): number {
    const at = this.#left - count;
    if (at >= 0) return bitsAt(this.#bytes, at, count);
    return this.#left <= 0 ? 0 : bitsAt(this.#bytes, 0, this.#left) * 2 ** -at;
  }

  skip(count: number): void {
    this.#left -= count;
  }
}

/** `count` bits, at most 31, from bit `at` on. */
function bitsAt(bytes: Uint8Array, at: number, count: number): number {
  const byte = at >>> 3;
  const shift = at & 7;
  const low =
    (bytes[byte] ?? 0) |
    ((bytes[byte + 1] ?? 0) << 8) |
    ((bytes[byte + 2] ?? 0) << 16) |
    ((bytes[byte + 3] ?? 0) << 24);
  if (shift + count <= 32) return count === 0 ? 0 : (low >>> shift) & (0xffffffff >>> (32 - count));
  const lowBits = 32 - shift;
  return (low >>> shift) + ((bytes[byte + 4] ?? 0) & ((1 << (count - lowBits)) - 1)) * 2 ** lowBits;
}
