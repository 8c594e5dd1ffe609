import { isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobLocation } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { isOversized } from "./load-blob.ts";
import type { Repository } from "./repository.ts";

/** Reading a gap of this size costs less than another request does. */
const gapMaxBytes = 1024 * 1024;
/** The most that one request brings into memory, unless a single blob is larger. */
const spanMaxBytes = 32 * 1024 * 1024;

/** Blobs of one pack that are read together: at most 32 MiB, or one blob. */
export interface BlobRun {
  readonly pack: ObjectId;
  readonly start: number;
  readonly end: number;
  /** In the order of their offsets. */
  readonly blobs: readonly BlobLocation[];
}

/** A blob as it lies in its pack; undefined if it could not be read with its neighbours, and is to be tried by itself. */
export interface ReadBlob {
  readonly location: BlobLocation;
  readonly sealed: Uint8Array | undefined;
}

/** The fewest reads that bring these blobs of a pack. */
export function joinNeighbours(pack: ObjectId, blobs: readonly BlobLocation[]): BlobRun[] {
  const runs: { pack: ObjectId; start: number; end: number; blobs: BlobLocation[] }[] = [];
  for (const blob of blobs.toSorted((a, b) => a.offset - b.offset)) {
    const end = blob.offset + blob.length;
    const last = runs.at(-1);
    if (last && blob.offset - last.end <= gapMaxBytes && end - last.start <= spanMaxBytes) {
      last.blobs.push(blob);
      last.end = Math.max(last.end, end);
    } else runs.push({ pack, start: blob.offset, end, blobs: [blob] });
  }
  return runs;
}

/** The blobs of a run by one read, not opened. Rejects only if the store does not answer. */
export async function readRun({ store }: Repository, run: BlobRun, options: Abortable): Promise<ReadBlob[]> {
  const { pack, start, end, blobs } = run;
  const apart = () => blobs.map((location) => ({ location, sealed: undefined }));
  // What is said to be absurdly large is not fetched.
  if (blobs.some(isOversized)) return apart();
  try {
    const bytes = await store.get(objectName("data", pack), { ...options, range: { start, end } });
    return blobs.map((location) => {
      const from = location.offset - start;
      return { location, sealed: bytes.subarray(from, from + location.length) };
    });
  } catch (error) {
    if (isEngineError(error, "corrupt-data", "not-found")) return apart();
    throw error;
  }
}
