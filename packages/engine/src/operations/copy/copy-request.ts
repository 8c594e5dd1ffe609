import type { Compression } from "../../crypto/primitives.ts";
import type { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import type { LockOptions } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";

export interface CopyRequest extends Abortable {
  /** Chooses the snapshots to copy. It is asked while the source is locked, before its index is read. */
  readonly chooseSnapshots: (source: Repository, options: Abortable) => Promise<readonly StoredSnapshot[]>;
  /** In the destination. */
  readonly lock: LockOptions;
  readonly sourceLock: LockOptions;
  /** `auto` carries over what is compressed as it is; every other level compresses the data anew. */
  readonly compression: Compression;
  readonly packSizeBytes?: number | undefined;
  /** Called for each snapshot once it is in the destination. */
  readonly onSnapshot?: ((copied: CopiedSnapshot) => void) | undefined;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Called for a snapshot of the destination that can't be read: whether it is a copy can't be told then. */
  readonly onUnreadable?: ((id: ObjectId, error: EngineError) => void) | undefined;
}

/** A snapshot of the source and its copy. */
export interface CopiedSnapshot {
  readonly source: StoredSnapshot;
  readonly copyId: ObjectId;
  /** False: the destination had the copy already. */
  readonly isNew: boolean;
}

export interface CopyProgress {
  readonly snapshotsDone: number;
  readonly snapshotsTotal: number;
  readonly blobsDone: number;
  /** Of the snapshots that were looked through so far. */
  readonly blobsTotal: number;
  /** Bytes as they are stored in the source. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface CopyResult {
  /** Snapshots that were copied. */
  readonly copied: number;
  /** Snapshots that the destination had already. */
  readonly skipped: number;
  /** Blobs that the destination lacked. */
  readonly blobsAdded: number;
  /** What they take in the destination's packs. */
  readonly bytesAdded: number;
  /** False: the two repositories cut files differently, so that what is backed up to both is stored twice. */
  readonly cutAlike: boolean;
}
