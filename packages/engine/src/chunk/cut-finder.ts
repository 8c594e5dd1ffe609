import { invariant } from "../errors/invariant.ts";
import { resticChunkSizes, type ChunkSizes } from "./chunk-sizes.ts";
import { rabinTables, windowBytes, type RabinTables } from "./rabin.ts";

/**
 * Finds where chunks end in bytes that lie in its own buffer, so that files can be read straight into wasm memory. It remembers nothing between
 * calls: whether a chunk may end somewhere depends on the 64 bytes before and on the chunk's length, on nothing else (restic design.rst,
 * "Backups and Deduplication").
 */
export interface CutFinder {
  /** The bytes to cut. Its capacity is what was asked for; it is never replaced. */
  readonly buffer: Uint8Array;
  /**
   * The chunk begins at `start` and its bytes are known up to `end` (offsets in `buffer`): gives the offset at which it ends, which may be
   * `end` itself, or −1 if it does not end by there. `searchedTo` says how far an earlier call came without finding an end (`start` if there was
   * none): nothing up to there is searched again.
   */
  cut(start: number, end: number, searchedTo?: number): number;
}

/** The first of the offsets `first`…`last` before which the fingerprint has no bit of the mask, or −1. 64 bytes or more lie before `first`. */
type FirstCut = (first: number, last: number) => number;

/** The reference: plain TypeScript. Throws `corrupt-data` unless the polynomial is of degree 53. */
export function plainCutFinder(
  polynomial: bigint,
  capacityBytes: number,
  sizes: ChunkSizes = resticChunkSizes,
): CutFinder {
  const tables = rabinTables(polynomial);
  const buffer = new Uint8Array(capacityBytes);
  return cutFinder(buffer, sizes, (first, last) => plainFirstCut(buffer, first, last, tables, sizes.splitMask));
}

/** What all cut finders have in common, the rule of sizes, around their search of the buffer. */
export function cutFinder(buffer: Uint8Array, { minBytes, maxBytes }: ChunkSizes, firstCut: FirstCut): CutFinder {
  invariant(minBytes >= windowBytes && maxBytes >= minBytes, "chunk sizes leave room for the window");
  return {
    buffer,
    cut(start, end, searchedTo = start) {
      invariant(
        start >= 0 && start <= searchedTo && searchedTo <= end && end <= buffer.length,
        "a chunk lies in its cut finder's buffer",
      );
      // No cut comes before the minimum, and a cut depends on 64 bytes: what is before those is not looked at.
      const first = Math.max(start + minBytes, searchedTo + 1);
      const last = Math.min(start + maxBytes, end);
      if (first > last) return -1;
      const cut = firstCut(first, last);
      return cut === -1 && last === start + maxBytes ? last : cut;
    },
  };
}

function plainFirstCut(
  buffer: Uint8Array,
  first: number,
  last: number,
  tables: RabinTables,
  splitMask: number,
): number {
  const { reduceTopHigh, reduceTopLow, dropOldHigh, dropOldLow } = tables;
  let high = 0;
  let low = 0;
  let at = first - windowBytes;
  // Filling the window: nothing leaves it yet.
  for (; at < first; at++) {
    const top = high >>> 13;
    high = ((high << 8) | (low >>> 24)) ^ (reduceTopHigh[top] ?? 0);
    low = ((low << 8) | (buffer[at] ?? 0)) ^ (reduceTopLow[top] ?? 0);
  }
  while ((low & splitMask) !== 0 && at < last) {
    const top = high >>> 13;
    const leaving = buffer[at - windowBytes] ?? 0;
    high = ((high << 8) | (low >>> 24)) ^ (reduceTopHigh[top] ?? 0) ^ (dropOldHigh[leaving] ?? 0);
    low = ((low << 8) | (buffer[at] ?? 0)) ^ (reduceTopLow[top] ?? 0) ^ (dropOldLow[leaving] ?? 0);
    at += 1;
  }
  return (low & splitMask) === 0 ? at : -1;
}
