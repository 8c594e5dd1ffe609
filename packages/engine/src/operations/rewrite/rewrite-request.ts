import type { Compression } from "../../crypto/primitives.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import type { PathFilter } from "../../pattern/path-filter.ts";
import type { LockOptions } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";

export interface RewriteRequest extends Abortable {
  /** Chooses the snapshots to rewrite. It is asked while the repository is locked, before its index is read. */
  readonly chooseSnapshots: (repository: Repository, options: Abortable) => Promise<readonly StoredSnapshot[]>;
  /** What stays. Left out: everything. A folder that is not selected stays while something in it does. */
  readonly filter?: PathFilter | undefined;
  /** The host that the snapshots are to name from now on. */
  readonly hostname?: string | undefined;
  /** Their time from now on, nanoseconds since 1970. */
  readonly timeNs?: bigint | undefined;
  /** Count files and bytes for snapshots that don't say them, as those of old programs. */
  readonly summarize?: boolean | undefined;
  /** Remove the snapshots that were rewritten, once the new ones are stored. */
  readonly forget?: boolean | undefined;
  /** Say what would be done, and store nothing. */
  readonly dryRun?: boolean | undefined;
  readonly lock: LockOptions;
  readonly compression: Compression;
  readonly packSizeBytes?: number | undefined;
  /** Called for each chosen snapshot. */
  readonly onSnapshot?: ((rewritten: RewrittenSnapshot) => void) | undefined;
  /** Called for each entry that is left out, but not for what is below it; `path` is escaped. */
  readonly onLeftOut?: ((path: string) => void) | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

export interface RewrittenSnapshot {
  readonly snapshot: StoredSnapshot;
  /** False: it is already as it is to be, and stays. */
  readonly isChanged: boolean;
  /** The new one; undefined if it is not changed, or in a dry run. */
  readonly newId: ObjectId | undefined;
}

export interface RewriteResult {
  /** How many snapshots were, or would be, changed. */
  readonly changed: number;
  readonly unchanged: number;
  /** Removed, by `forget`. */
  readonly forgotten: number;
}
