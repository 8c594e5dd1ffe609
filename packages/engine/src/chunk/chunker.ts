import { resticChunkSizes, type ChunkSizes } from "./chunk-sizes.ts";
import { plainCutFinder, type CutFinder } from "./cut-finder.ts";

export type MakeCutFinder = (polynomial: bigint, capacityBytes: number, sizes: ChunkSizes) => CutFinder;

/**
 * Cuts a stream of bytes into chunks where restic would cut it, however it was read: an insertion moves the cuts near it and no others.
 *
 * Every chunk is a buffer of its own. Nothing is yielded for no bytes. Memory: 9 MiB, plus what is yielded; 1 MiB while a stream is shorter than the
 * shortest chunk, and then no cut finder is made.
 */
export async function* chunks(
  bytes: AsyncIterable<Uint8Array>,
  polynomial: bigint,
  sizes: ChunkSizes = resticChunkSizes,
  makeCutFinder: MakeCutFinder = plainCutFinder,
): AsyncGenerator<Uint8Array, void, undefined> {
  let finder: CutFinder | undefined;
  let held: Uint8Array = new Uint8Array(sizes.minBytes);
  // Where in `held` the chunk begins, how far it was searched for its end, and where the bytes end.
  let start = 0;
  let searchedTo = 0;
  let end = 0;
  for await (const read of bytes) {
    for (let from = 0; from < read.length;) {
      if (end === held.length) {
        finder ??= makeCutFinder(polynomial, sizes.maxBytes + sizes.minBytes, sizes);
        // A whole chunk fits with room to spare, so a full buffer has an end of a chunk in it, or was the first.
        finder.buffer.set(held.subarray(start, end));
        held = finder.buffer;
        searchedTo -= start;
        end -= start;
        start = 0;
      }
      const step = read.subarray(from, from + held.length - end);
      held.set(step, end);
      from += step.length;
      end += step.length;
      if (!finder) continue;
      for (let cut = finder.cut(start, end, searchedTo); cut !== -1; cut = finder.cut(start, end)) {
        yield held.slice(start, cut);
        start = cut;
      }
      searchedTo = end;
    }
  }
  if (start < end) yield held.slice(start, end);
}
