import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { LockOptions } from "../../repository/locks.ts";

/** What `check` is doing now, and how far it is. */
export interface CheckProgress {
  readonly step: "indexes" | "packs" | "snapshots" | "data";
  readonly done: number;
  readonly total: number | undefined;
  /** Of pack data, once reading begins. */
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
}

export interface CheckRequest extends Abortable {
  readonly lock: LockOptions;
  /** Read and verify pack data as well: all of it, or a part. Left out: structure only. */
  readonly readData?: "all" | ReadDataSubset | undefined;
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

export interface CheckResult {
  readonly errors: number;
  readonly hints: number;
  /** Packs that hold damaged blobs. */
  readonly brokenPacks: readonly ObjectId[];
  /** An index disagrees with the packs: `repair index` may mend it. */
  readonly suggestRepairIndex: boolean;
  /** Packs that no index names take space: `prune` removes them. */
  readonly suggestPrune: boolean;
}

/** One thing that `check` found. An error may cost data; a hint costs space or time only. */
export interface Finding {
  readonly severity: "error" | "hint";
  /** What it is about, such as `data/<id>` or `snapshots/<id>`. */
  readonly object: string;
  readonly message: string;
}

/** Which part of the packs to read: group `n` of `t`, a share chosen at random, or so many bytes chosen at random. */
export type ReadDataSubset =
  | { readonly kind: "group"; readonly n: number; readonly t: number }
  | { readonly kind: "percent"; readonly percent: number }
  | { readonly kind: "bytes"; readonly bytes: number };
