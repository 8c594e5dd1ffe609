import { type EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobLocation } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { loadBlob, openLocated } from "./load-blob.ts";
import { joinNeighbours, readRun } from "./read-run.ts";
import type { Repository } from "./repository.ts";

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
  for (const run of joinNeighbours(pack, blobs)) {
    options.signal?.throwIfAborted();
    for (const { location, sealed } of await readRun(repository, run, options))
      yield await openOne(repository, location, sealed, options);
  }
}

async function openOne(
  repository: Repository,
  location: BlobLocation,
  sealed: Uint8Array | undefined,
  options: Abortable,
): Promise<LoadedBlob> {
  try {
    if (sealed) return { location, plain: await openLocated(repository, location, sealed), sealed };
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
