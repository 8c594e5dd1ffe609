import { BlobIndex } from "../blob-index/blob-index.ts";
import { type EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type FilledIndexRows, IndexRows } from "../format/index-rows.ts";
import type { ObjectId } from "../format/ids.ts";
import type { StoredObject } from "../store/object-store.ts";
import { loadPackHeader } from "./load-pack-header.ts";
import { loadIndexRows } from "./load-index-rows.ts";
import type { Repository } from "./repository.ts";

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
  const listed = new Set<ObjectId>();
  let isWhole = true;
  const load = async (object: StoredObject): Promise<FilledIndexRows> => {
    listed.add(object.id);
    try {
      return await loadIndexRows(repository, object, options);
    } catch (error) {
      if (!options.onDamagedIndex || !isEngineError(error, "corrupt-data", "unsupported")) throw error;
      options.onDamagedIndex(object.id, error);
      isWhole = false;
      return new IndexRows();
    }
  };
  for await (const rows of mapConcurrent(repository.store.list("index", options), indexFilesAtOnce, load))
    index.addRows(rows);
  await repository.indexRows?.keepOnly(listed);
  if (!isWhole) await addUnindexedPacks(repository, index, options);
  repository.index = index;
}

/** A pack whose own header is damaged as well is left out: what needs it will say so. */
async function addUnindexedPacks(repository: Repository, index: BlobIndex, options: Abortable): Promise<void> {
  const read = async ({ id, sizeBytes }: { id: ObjectId; sizeBytes: number }) => {
    try {
      return { id, blobs: index.hasPack(id) ? [] : await loadPackHeader(repository, id, sizeBytes, options) };
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      return { id, blobs: [] };
    }
  };
  for await (const { id, blobs } of mapConcurrent(repository.store.list("data", options), packHeadersAtOnce, read))
    if (blobs.length > 0) index.add(id, blobs);
}
