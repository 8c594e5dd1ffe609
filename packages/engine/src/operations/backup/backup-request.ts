import type { Compression } from "../../crypto/primitives.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import type { Snapshot, SnapshotSummary } from "../../format/snapshot.ts";
import type { LockOptions } from "../../repository/locks.ts";
import type { ListingAhead } from "../../source/listing-ahead.ts";
import type { BackupRules } from "../../source/backup-rules.ts";

/** A path to back up: as the person gave it, and absolute. */
export interface BackupTarget {
  readonly given: string;
  readonly absolute: string;
}

/** Which of a snapshot's marks must agree for it to be the parent. */
export interface GroupBy {
  readonly host: boolean;
  readonly paths: boolean;
  readonly tags: boolean;
}

/** How far a backup is; totals are there once the estimate is done. */
export interface BackupProgress {
  readonly filesDone: number;
  readonly bytesDone: number;
  readonly filesTotal: number | undefined;
  readonly bytesTotal: number | undefined;
  readonly problems: number;
  /** The files being read now. */
  readonly currentFiles: readonly string[];
}

/** One entry that is done. */
export interface BackupItem {
  readonly action: "new" | "changed" | "unchanged";
  readonly path: string;
  readonly type: Node["type"];
  readonly bytes: number;
  /** Bytes of its new blobs, before and after compression and sealing. */
  readonly dataAdded: number;
  readonly dataAddedPacked: number;
}

/** Something that could not be read and is not, or not wholly, in the snapshot. */
export interface Problem {
  readonly path: string;
  readonly message: string;
  readonly cause?: unknown;
}

/** What every backup needs to know, wherever its bytes come from. */
export interface BackupSettings extends Abortable {
  readonly tags: readonly string[];
  readonly hostname: string;
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
  /** The snapshot's time; now, if left out. */
  readonly timeNs?: bigint | undefined;
  /** Store and write nothing, but count what would be. */
  readonly dryRun?: boolean | undefined;
  readonly compression: Compression;
  readonly packSizeBytes?: number | undefined;
  /** Recorded in the snapshot, such as `saveos 1.0.0`. */
  readonly programVersion: string;
  readonly lock: LockOptions;
  /** Called at every change: the caller decides how often to show it. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  readonly onItem?: ((item: BackupItem) => void) | undefined;
  readonly onProblem?: ((problem: Problem) => void) | undefined;
  /** A problem that leaves the entry in the snapshot, such as one unreadable attribute. Not counted. */
  readonly onWarning?: ((path: string, message: string) => void) | undefined;
}

export interface BackupRequest extends BackupSettings {
  readonly targets: readonly BackupTarget[];
  readonly rules: BackupRules;
  /** The literal exclude patterns, recorded in the snapshot. */
  readonly excludesToRecord: readonly string[];
  /** This snapshot, none, or the newest that fits (left out). */
  readonly parent?: ObjectId | "none" | undefined;
  readonly groupBy: GroupBy;
  readonly ignoreCtime: boolean;
  readonly ignoreInode: boolean;
  readonly withAtime: boolean;
  /** Write no snapshot if its tree would be the parent's. */
  readonly skipIfUnchanged: boolean;
  /** Don't count files and bytes ahead for the totals of the progress. */
  readonly noScan?: boolean | undefined;
  readonly filesAtOnce?: number | undefined;
  /** Listing of the targets that has begun, by `listTargetsAhead`. */
  readonly ahead?: ListingAhead | undefined;
}

/** A request whose time is settled: what the parts of a backup work with. */
export type BackupRun<Settings extends BackupSettings = BackupRequest> = Settings & {
  readonly timeNs: bigint;
  readonly signal: AbortSignal;
};

export interface BackupResult {
  /** Left out in a dry run, and when `skipIfUnchanged` found nothing changed. */
  readonly snapshotId: ObjectId | undefined;
  readonly snapshot: Snapshot;
  readonly summary: SnapshotSummary;
  /** How many things could not be read; more than 0 is restic's exit code 3. */
  readonly problems: number;
  readonly parent: ObjectId | undefined;
}
