import { BlobIndex } from "../blob-index/blob-index.ts";
import { type EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { decodeIndexFile, type IndexFile } from "../format/index-file.ts";
import type { ObjectId } from "../format/ids.ts";
import { loadPackHeader } from "./load-pack-header.ts";
import type { Repository } from "./repository.ts";
import { loadUnpacked } from "./unpacked-files.ts";

/** Enough to hide the network's delay, few enough that decoded files don't pile up: an index file is some 8 MB of JSON. */
const indexFilesAtOnce = 4;
/** Headers are small: their cost is the round trip. */
const packHeadersAtOnce = 8;

export interface LoadIndexOptions extends Abortable {
  /**
   * Called for an index file that can't be read. Then packs that no other one names tell by their own headers what is in them, so that all can
   * still be restored, at the price of a request or two for each. Without it the first such file rejects: right for whoever writes.
   */
  readonly onDamagedIndex?: ((id: ObjectId, error: EngineError) => void) | undefined;
}

/**
 * Loads every index file into `repository.index`, in place of what was there.
 * **List snapshots before this, never after**: a snapshot is written last, so an index read later names all its blobs
 * (restic design.rst, "Read and Write Ordering").
 */
export async function loadIndex(repository: Repository, options: LoadIndexOptions = {}): Promise<void> {
  const index = new BlobIndex();
  let isWhole = true;
  const load = async ({ id }: { id: ObjectId }): Promise<IndexFile> => {
    try {
      return decodeIndexFile(await loadUnpacked(repository, "index", id, options));
    } catch (error) {
      if (!options.onDamagedIndex || !isEngineError(error, "corrupt-data", "unsupported")) throw error;
      options.onDamagedIndex(id, error);
      isWhole = false;
      return { packs: [] };
    }
  };
  for await (const { packs } of mapConcurrent(repository.store.list("index", options), indexFilesAtOnce, load))
    for (const { id, blobs } of packs) index.add(id, blobs);
  if (!isWhole) await addUnindexedPacks(repository, index, options);
  repository.index = index;
}

/** A pack whose own header is damaged as well is left out: what needs it will say so. */
async function addUnindexedPacks(repository: Repository, index: BlobIndex, options: Abortable): Promise<void> {
  const indexed = new Set<ObjectId>();
  for (const { pack } of index.packs()) indexed.add(pack);
  const read = async ({ id, sizeBytes }: { id: ObjectId; sizeBytes: number }) => {
    try {
      return { id, blobs: indexed.has(id) ? [] : await loadPackHeader(repository, id, sizeBytes, options) };
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      return { id, blobs: [] };
    }
  };
  for await (const { id, blobs } of mapConcurrent(repository.store.list("data", options), packHeadersAtOnce, read))
    if (blobs.length > 0) index.add(id, blobs);
}
