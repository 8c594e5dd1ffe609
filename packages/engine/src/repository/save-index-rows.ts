import type { Abortable } from "../flow/abortable.ts";
import { encodeIndexRows } from "../format/index-file.ts";
import { blobRowWords, type FilledIndexRows, joinIndexRows } from "../format/index-rows.ts";
import type { Repository } from "./repository.ts";
import { sealIndexRows } from "./sealed-index-rows.ts";
import { saveUnpacked } from "./unpacked-files.ts";

/** Index files of fewer are decoded in less time than it takes to write another file. */
const worthCachingBlobs = 1500;

/** Stores an index file with the packs of all these rows, and keeps them near: whoever wrote it need not decode it the next time. */
export async function saveIndexRows(
  repository: Repository,
  all: readonly FilledIndexRows[],
  options: Abortable = {},
): Promise<void> {
  const { compute, masterKey, indexRows: cache } = repository;
  const id = await saveUnpacked(repository, "index", encodeIndexRows(all), options);
  const rows = joinIndexRows(all);
  if (rows.blobs.length >= worthCachingBlobs * blobRowWords)
    await cache?.put(id, sealIndexRows(compute.primitives, masterKey, id, rows));
}
