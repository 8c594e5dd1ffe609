import { mustHold } from "./broken-frame.ts";

/** What is decompressed so far. It grows as needed and never beyond its limit. */
export class Output {
  readonly #maxBytes: number;
  #bytes: Uint8Array;
  #length = 0;

  /** `likelyBytes` is how much to allocate at first. */
  constructor(maxBytes: number, likelyBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = new Uint8Array(Math.min(maxBytes, likelyBytes));
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  appendRepeated(byte: number, count: number): void {
    this.#makeRoom(count);
    this.#bytes.fill(byte, this.#length, this.#length + count);
    this.#length += count;
  }

  /** Appends `count` bytes, `from` to `from + count` of the literals. */
  appendLiterals(literals: Uint8Array, from: number, count: number): void {
    this.#makeRoom(count);
    const bytes = this.#bytes;
    const at = this.#length;
    if (count > shortCopyBytes) bytes.set(literals.subarray(from, from + count), at);
    else for (let i = 0; i < count; i++) bytes[at + i] = literals[from + i] ?? 0;
    this.#length = at + count;
  }

  /** Appends again what was appended `distance` bytes ago; both ranges may overlap. The caller has checked that it is there. */
  appendMatch(distance: number, count: number): void {
    this.#makeRoom(count);
    const bytes = this.#bytes;
    const at = this.#length;
    const from = at - distance;
    if (count > shortCopyBytes && distance >= count) bytes.copyWithin(at, from, from + count);
    else for (let i = 0; i < count; i++) bytes[at + i] = bytes[from + i] ?? 0;
    this.#length = at + count;
  }

  /** All bytes, in a buffer not much larger than they are. */
  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  #makeRoom(moreBytes: number): void {
    const needed = this.#length + moreBytes;
    if (needed <= this.#bytes.length) return;
    mustHold(needed <= this.#maxBytes, `it holds no more than ${this.#maxBytes} bytes`);
    const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, 2 * this.#bytes.length)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Below this a loop is faster than a call. */
const shortCopyBytes = 48;
