import type { ObjectId } from "../format/ids.ts";

/**
 * Index files as `sealIndexRows` makes them, kept near, so that the next command need not decode them again. Nobody trusts them, and they
 * may be gone at any time. No method rejects: what fails costs only time, and the implementation tells whoever made it.
 */
export interface IndexRowsCache {
  /** Undefined if it is not there. */
  get(id: ObjectId): Promise<Uint8Array | undefined>;
  put(id: ObjectId, sealed: Uint8Array): Promise<void>;
  /** Deletes all others: their index files are gone from the repository. */
  keepOnly(ids: ReadonlySet<ObjectId>): Promise<void>;
}
