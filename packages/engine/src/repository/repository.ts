import type { BlobIndex } from "../blob-index/blob-index.ts";
import type { Compute } from "../compute/compute.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Clock } from "../flow/clock.ts";
import type { Config } from "../format/config.ts";
import type { ObjectId } from "../format/ids.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { IndexRowsCache } from "./index-rows-cache.ts";

/** What a repository is opened with. */
export interface RepositoryDeps {
  readonly store: ObjectStore;
  readonly compute: Compute;
  readonly clock: Clock;
}

/** An opened repository: its keys, its store, and, once `loadIndex` has run, where every blob is. */
export interface Repository extends RepositoryDeps {
  readonly config: Config;
  readonly masterKey: MasterKey;
  /** The key file that the password opened. */
  readonly keyId: ObjectId;
  /** Replaced by `loadIndex`, added to by `BlobWriter`. */
  index: BlobIndex;
  /** Spares decoding index files again; undefined for none. */
  readonly indexRows?: IndexRowsCache | undefined;
}
