import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobLocation } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { isOversized, loadBlob, openLocated } from "./load-blob.ts";
import type { Repository } from "./repository.ts";

/** Reading a gap of this size costs less than another request does. */
const gapMaxBytes = 1024 * 1024;
/** The most that one request brings into memory, unless a single blob is larger. */
const spanMaxBytes = 32 * 1024 * 1024;

export type LoadedBlob =
  /** `sealed` is how it lies in this pack; undefined if it had to come from another copy. */
  | { readonly location: BlobLocation; readonly plain: Uint8Array; readonly sealed: Uint8Array | undefined }
  | { readonly location: BlobLocation; readonly error: EngineError };

/**
 * Reads some blobs of one pack, neighbours joined into one ranged read, opened and verified, in the order of their offsets. A blob whose
 * copy here is damaged comes from another copy where there is one; else its item carries the error and the rest goes on.
 * Memory: one read, at most 32 MiB or one blob.
 */
export async function* loadPackBlobs(
  repository: Repository,
  pack: ObjectId,
  blobs: readonly BlobLocation[],
  options: Abortable = {},
): AsyncGenerator<LoadedBlob, void, undefined> {
  for (const run of joinNeighbours(blobs)) {
    options.signal?.throwIfAborted();
    const bytes = await readRun(repository, pack, run, options);
    for (const location of run.blobs) yield await openFromRun(repository, location, run, bytes, options);
  }
}

interface Run {
  readonly start: number;
  end: number;
  readonly blobs: BlobLocation[];
}

function joinNeighbours(blobs: readonly BlobLocation[]): Run[] {
  const runs: Run[] = [];
  for (const blob of blobs.toSorted((a, b) => a.offset - b.offset)) {
    const end = blob.offset + blob.length;
    const last = runs.at(-1);
    if (last && blob.offset - last.end <= gapMaxBytes && end - last.start <= spanMaxBytes) {
      last.blobs.push(blob);
      last.end = Math.max(last.end, end);
    } else runs.push({ start: blob.offset, end, blobs: [blob] });
  }
  return runs;
}

/** Undefined if the joined read fails for good; then each blob is tried by itself. */
async function readRun(
  { store }: Repository,
  pack: ObjectId,
  { start, end, blobs }: Run,
  options: Abortable,
): Promise<Uint8Array | undefined> {
  if (blobs.some(isOversized)) return undefined;
  try {
    return await store.get(objectName("data", pack), { ...options, range: { start, end } });
  } catch (error) {
    if (isEngineError(error, "corrupt-data", "not-found")) return undefined;
    throw error;
  }
}

async function openFromRun(
  repository: Repository,
  location: BlobLocation,
  run: Run,
  bytes: Uint8Array | undefined,
  options: Abortable,
): Promise<LoadedBlob> {
  try {
    if (bytes) {
      const from = location.offset - run.start;
      const sealed = bytes.subarray(from, from + location.length);
      return { location, plain: await openLocated(repository, location, sealed), sealed };
    }
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
  }
  try {
    return { location, plain: await loadBlob(repository, location, options), sealed: undefined };
  } catch (error) {
    if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
    return { location, error };
  }
}
