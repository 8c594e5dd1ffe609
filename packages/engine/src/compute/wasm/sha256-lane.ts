import { kernelBytes } from "./kernel.ts";

export const digestBytes = 32;
/** What a lane holds ready of its message: enough that calls are rare, so little that all four stay in the processor's nearest caches. */
export const laneBytes = 8 * 1024;
export const lanes = 4;

const blockBytes = 64;
const digestWords = 8;
/** After the message: a byte with its top bit set, zeros, and the message's length in bits (FIPS 180-4, section 5.1.1). */
const endMark = 0x80;
const lengthBytes = 8;
/** FIPS 180-4, section 5.3.3. */
const initialState = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

/** A message to hash, and where its digest goes. */
export interface HashJob {
  readonly message: Uint8Array;
  readonly digest: Uint8Array;
}

/** One of the four places of the SHA-256 kernel: takes a message after another through it. */
export class Lane {
  /** Where in the kernel's memory the next block lies. */
  at: number;
  /** How many blocks lie ready; Infinity if there is nothing to do, so that the lane holds up no other. */
  readyBlocks = Infinity;
  readonly #index: number;
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  readonly #state: number;
  #job: HashJob | undefined;
  /** Of the message and what follows it, in all and not yet copied to the kernel's memory. */
  #paddedBytes = 0;
  #copiedBytes = 0;

  /** `state` is where the kernel keeps the hashes of all lanes. */
  constructor(index: number, memory: Uint8Array, state: number) {
    this.#index = index;
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.#state = state;
    this.at = this.#area;
  }

  /** Sees to it that blocks lie ready, of its message or of the last of `waiting`. */
  prepare(waiting: HashJob[]): void {
    if (this.#job && this.readyBlocks > 0) return;
    if (this.#job && this.#copiedBytes === this.#paddedBytes) this.#end(this.#job);
    if (!this.#job) this.#begin(waiting.pop());
    if (this.#job) this.#copyMore(this.#job.message);
  }

  /** The kernel has taken in so many blocks. */
  advance(blocks: number): void {
    if (!this.#job) return;
    this.at += blocks * blockBytes;
    this.readyBlocks -= blocks;
  }

  #begin(job: HashJob | undefined): void {
    this.#job = job;
    this.readyBlocks = Infinity;
    this.at = this.#area;
    if (!job) return;
    this.#copiedBytes = 0;
    this.#paddedBytes = Math.ceil((job.message.length + 1 + lengthBytes) / blockBytes) * blockBytes;
    for (const [word, value] of initialState.entries()) this.#view.setUint32(this.#wordAt(word), value, true);
  }

  #copyMore(message: Uint8Array): void {
    const from = this.#copiedBytes;
    const to = Math.min(from + laneBytes, this.#paddedBytes);
    const area = this.#memory.subarray(this.#area, this.#area + to - from);
    const part = message.subarray(from, to);
    area.set(part);
    area.fill(0, part.length);
    if (from <= message.length && message.length < to) area[message.length - from] = endMark;
    if (to === this.#paddedBytes)
      this.#view.setBigUint64(this.#area + to - from - lengthBytes, 8n * BigInt(message.length));
    this.#copiedBytes = to;
    this.readyBlocks = (to - from) / blockBytes;
    this.at = this.#area;
  }

  #end({ digest }: HashJob): void {
    const out = new DataView(digest.buffer, digest.byteOffset, digestBytes);
    for (let word = 0; word < digestWords; word++)
      out.setUint32(4 * word, this.#view.getUint32(this.#wordAt(word), true));
    this.#job = undefined;
  }

  get #area(): number {
    return kernelBytes + this.#index * laneBytes;
  }

  /** The kernel keeps each word of the four hashes side by side. */
  #wordAt(word: number): number {
    return this.#state + 4 * (lanes * word + this.#index);
  }
}
