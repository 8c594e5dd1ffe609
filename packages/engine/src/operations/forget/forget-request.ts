import type { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import type { LockOptions, RepositoryLock } from "../../repository/locks.ts";
import type { GroupBy } from "../backup/backup-request.ts";
import type { SnapshotFilter, SnapshotGroup } from "../snapshots.ts";
import type { KeptSnapshot } from "./apply-policy.ts";
import type { Policy } from "./policy.ts";

/** The snapshots to remove, by name. No policy has a say in it. */
export interface ForgetByIds {
  /** Whole ids. Those that are not there, or can't be read, are told of and stay as they are. */
  readonly snapshotIds: readonly ObjectId[];
}

/** The snapshots to remove, by what a policy does not keep of each group. */
export interface ForgetByPolicy {
  readonly policy: Policy;
  readonly groupBy: GroupBy;
  /** Only these are looked at; the others stay. */
  readonly filter?: SnapshotFilter | undefined;
  /** Lets a policy without rules remove all that the filter chooses. Needs a filter. */
  readonly allowRemoveAll?: boolean | undefined;
}

export type ForgetChoice = ForgetByIds | ForgetByPolicy;

export type ForgetRequest = ForgetChoice &
  Abortable & {
    readonly lock: LockOptions;
    /** Only say what would be done. */
    readonly dryRun?: boolean | undefined;
    /** Called with a snapshot file that can't be read. It is passed over: what nobody can read is never removed. */
    readonly onUnreadable?: ((id: ObjectId, error: EngineError) => void) | undefined;
    /** Told what will be removed, before anything is. If it throws, everything stays. */
    readonly onPlan?: ((plan: ForgetPlan) => Promise<void> | void) | undefined;
    readonly onProgress?: ((progress: ForgetProgress) => void) | undefined;
    /**
     * Runs under the same lock when all that was to be removed is gone, or would be: for `prune`, which nobody may come before. The lock is exclusive unless
     * this is a dry run.
     */
    readonly afterRemoval?: ((held: RepositoryLock, removed: readonly StoredSnapshot[]) => Promise<void>) | undefined;
  };

/** What a policy says of the snapshots of one group. */
export interface ForgetGroup extends Omit<SnapshotGroup, "snapshots"> {
  /** Newest first. */
  readonly keep: readonly KeptSnapshot<StoredSnapshot>[];
  /** Newest first. */
  readonly remove: readonly StoredSnapshot[];
}

/** What a forget would do. */
export interface ForgetPlan {
  /** Empty for snapshots chosen by name. */
  readonly groups: readonly ForgetGroup[];
  /** From all groups. */
  readonly remove: readonly StoredSnapshot[];
  /** Named, and not in the repository. */
  readonly missing: readonly ObjectId[];
}

export interface ForgetProgress {
  readonly removed: number;
  readonly failed: number;
  readonly total: number;
}

export interface FailedRemoval {
  readonly snapshot: StoredSnapshot;
  readonly error: EngineError;
}

export interface ForgetResult extends ForgetPlan {
  /** Those that are gone now; none in a dry run. */
  readonly removed: readonly StoredSnapshot[];
  /** Those that are still there though they should not be. */
  readonly failed: readonly FailedRemoval[];
}
