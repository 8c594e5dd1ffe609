import type { Abortable } from "../flow/abortable.ts";
import type { FilledIndexRows } from "../format/index-rows.ts";
import { readIndexRows } from "../format/read-index-rows.ts";
import type { StoredObject } from "../store/object-store.ts";
import type { Repository } from "./repository.ts";
import { openIndexRows, sealIndexRows } from "./sealed-index-rows.ts";
import { loadUnpacked } from "./unpacked-files.ts";

/** Smaller index files, of some thousand blobs, are decoded in less time than it takes to write another file. */
const worthCachingBytes = 64 * 1024;

/** What an index file says, from the cache of rows if it is there. Rejects with `corrupt-data`, `unsupported` or as the store does. */
export async function loadIndexRows(
  repository: Repository,
  { id, sizeBytes }: StoredObject,
  options: Abortable = {},
): Promise<FilledIndexRows> {
  const { compute, masterKey, indexRows: cache } = repository;
  if (cache === undefined || sizeBytes < worthCachingBytes)
    return readIndexRows(await loadUnpacked(repository, "index", id, options));
  const sealed = await cache.get(id);
  const cached = sealed && openIndexRows(compute.primitives, masterKey, id, sealed);
  if (cached) return cached;
  const rows = readIndexRows(await loadUnpacked(repository, "index", id, options));
  await cache.put(id, sealIndexRows(compute.primitives, masterKey, id, rows));
  return rows;
}
