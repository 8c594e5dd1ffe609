import { invariant } from "../errors/invariant.ts";
import { rabinTables, windowBytes, type RabinTables } from "./rabin.ts";

/** How large chunks are. */
export interface ChunkSizes {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** A chunk may end where these low bits of the fingerprint are zero. */
  readonly splitMask: number;
}

/** restic's sizes: 512 KiB to 8 MiB, about 1.5 MiB on average. Other sizes would share no chunks with restic's. */
export const resticChunkSizes: ChunkSizes = {
  minBytes: 512 * 1024,
  maxBytes: 8 * 1024 * 1024,
  splitMask: (1 << 20) - 1,
};

/**
 * Cuts a file's bytes into chunks where restic would cut them (restic design.rst, "Backups and Deduplication"). A cut depends only on the 64 bytes
 * before it and on the distance from the last cut, never on how the bytes were read, so an insertion moves the cuts near it and no others.
 *
 * Every chunk is a buffer of its own. Nothing is yielded for no bytes. Memory: one chunk, at most 8 MiB, plus what is yielded.
 */
export async function* chunks(
  bytes: AsyncIterable<Uint8Array>,
  polynomial: bigint,
  sizes: ChunkSizes = resticChunkSizes,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunker = new Chunker(polynomial, sizes);
  let held: Uint8Array = new Uint8Array(0);
  let heldBytes = 0;
  for await (const read of bytes) {
    for (let from = 0; from < read.length;) {
      // A step no longer than the shortest chunk keeps small what has to be moved after a cut.
      const step = read.subarray(from, from + Math.min(sizes.minBytes, sizes.maxBytes - heldBytes));
      from += step.length;
      held = withRoomFor(held, heldBytes, step.length, sizes.maxBytes);
      held.set(step, heldBytes);
      heldBytes += step.length;
      for (let cut = chunker.cut(held, heldBytes); cut !== -1; cut = chunker.cut(held, heldBytes)) {
        yield held.slice(0, cut);
        held.copyWithin(0, cut, heldBytes);
        heldBytes -= cut;
      }
    }
  }
  if (heldBytes > 0) yield heldBytes === held.length ? held : held.slice(0, heldBytes);
}

function withRoomFor(held: Uint8Array, heldBytes: number, moreBytes: number, maxBytes: number): Uint8Array {
  const needed = heldBytes + moreBytes;
  if (needed <= held.length) return held;
  // The first buffer is just right, since most files are read in one piece; then doubling keeps copying linear.
  const larger = new Uint8Array(Math.max(needed, Math.min(2 * held.length, maxBytes)));
  larger.set(held.subarray(0, heldBytes));
  return larger;
}

/**
 * Finds the end of one chunk after another. It reads bytes from where the chunk lies rather than keeping a window of its own, so the caller
 * holds the whole of the chunk so far in one buffer.
 */
export class Chunker {
  readonly #sizes: ChunkSizes;
  readonly #tables: RabinTables;
  /** How many bytes of the current chunk are behind `#high` and `#low`, the fingerprint of the last 64 of them. */
  #seenBytes: number;
  #high = 0;
  #low = 0;

  constructor(polynomial: bigint, sizes: ChunkSizes = resticChunkSizes) {
    invariant(
      sizes.minBytes >= windowBytes && sizes.maxBytes >= sizes.minBytes,
      "chunk sizes leave room for the window",
    );
    this.#sizes = sizes;
    this.#tables = rabinTables(polynomial);
    this.#seenBytes = sizes.minBytes - windowBytes;
  }

  /**
   * `chunk` begins with the `lengthBytes` bytes known of the current chunk: those of earlier calls, and more. Gives the number of bytes
   * after which the chunk ends, and begins with the next chunk; or −1 if it does not end yet.
   */
  cut(chunk: Uint8Array, lengthBytes: number): number {
    const cut = this.#scan(chunk, Math.min(lengthBytes, this.#sizes.maxBytes));
    if (cut !== -1) {
      this.#seenBytes = this.#sizes.minBytes - windowBytes;
      this.#high = 0;
      this.#low = 0;
    }
    return cut;
  }

  #scan(chunk: Uint8Array, end: number): number {
    const { minBytes, maxBytes, splitMask } = this.#sizes;
    // No cut comes before the minimum, and a cut depends on 64 bytes: what is before those need not be looked at.
    if (end < minBytes) return -1;
    const { reduceTopHigh, reduceTopLow, dropOldHigh, dropOldLow } = this.#tables;
    let high = this.#high;
    let low = this.#low;
    let at = this.#seenBytes;
    // Filling the window: nothing leaves it yet.
    for (; at < minBytes; at++) {
      const top = high >>> 13;
      high = ((high << 8) | (low >>> 24)) ^ (reduceTopHigh[top] ?? 0);
      low = ((low << 8) | (chunk[at] ?? 0)) ^ (reduceTopLow[top] ?? 0);
    }
    while ((low & splitMask) !== 0 && at < end) {
      const top = high >>> 13;
      const leaving = chunk[at - windowBytes] ?? 0;
      high = ((high << 8) | (low >>> 24)) ^ (reduceTopHigh[top] ?? 0) ^ (dropOldHigh[leaving] ?? 0);
      low = ((low << 8) | (chunk[at] ?? 0)) ^ (reduceTopLow[top] ?? 0) ^ (dropOldLow[leaving] ?? 0);
      at += 1;
    }
    if ((low & splitMask) === 0 || at === maxBytes) return at;
    this.#seenBytes = at;
    this.#high = high;
    this.#low = low;
    return -1;
  }
}
