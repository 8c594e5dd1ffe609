import type { Abortable } from "../flow/abortable.ts";
import type { PathFilter } from "../pattern/path-filter.ts";
import type { FileTarget } from "./file-target.ts";
import type { Overwrite } from "./overwrite.ts";
import type { RestoreLane } from "./restore-lane.ts";
import type { RestoreListeners, RestoreReport } from "./restore-report.ts";
import type { SnapshotReader } from "./snapshot-reader.ts";

/** How to restore, wherever from. */
export interface RestoreSettings extends Abortable, RestoreListeners {
  /** Which entries; everything if left out. Directories above a selected entry are made as well. */
  readonly filter?: PathFilter | undefined;
  readonly overwrite: Overwrite;
  /** Remove what the filter selects, is in a restored directory, and is not in the snapshot. */
  readonly delete: boolean;
  /** Change nothing, but count and tell what would be done. */
  readonly dryRun: boolean;
  /** Read every restored file again and compare it with the snapshot. */
  readonly verify: boolean;
  /** Leave holes in new files where the content is zeros. */
  readonly sparse: boolean;
  readonly ownershipByName: boolean;
  /** How many files are compared or verified at once. Default 4. */
  readonly filesAtOnce?: number | undefined;
}

/** What all parts of a restore work with. */
export interface RestoreRun extends RestoreSettings {
  readonly signal: AbortSignal;
  readonly reader: SnapshotReader;
  readonly target: FileTarget;
  readonly report: RestoreReport;
  /** Threads for a restore with much to write; `FileTarget.openLanes` with the repository's key. Without any all is done in this thread. */
  readonly openLanes?: (() => readonly RestoreLane[]) | undefined;
}

/** Hashing is the work of a processor, and reading that of a disk: a few at once keep both busy. */
export const defaultFilesAtOnce = 4;
