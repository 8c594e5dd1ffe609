import { type EngineErrorCode, isEngineError } from "../errors/engine-error.ts";
import type { TargetPath } from "./file-target.ts";
import { joinPath } from "./show-path.ts";

/** What a restore counts, as restic's summary has it. An entry is a file, directory, link or device; sizes are bytes of file content. */
export interface RestoreTotals {
  /** Entries to restore; those left alone are not among them. */
  totalFiles: number;
  filesRestored: number;
  /** Left alone: already there, and right or not to be overwritten. */
  filesSkipped: number;
  filesDeleted: number;
  totalBytes: number;
  bytesRestored: number;
  bytesSkipped: number;
}

/** One entry that is done. `updated` is a file that was there, and whose content was put right in place. */
export interface RestoreItem {
  readonly action: "restored" | "updated" | "unchanged" | "deleted";
  /** From the target's root, beginning with `/`; an escaped string (`format/names.ts`). */
  readonly path: string;
  readonly bytes: number;
}

/** Something that could not be restored, or turned out wrong when it was verified. The rest goes on. */
export interface RestoreProblem {
  readonly path: string;
  readonly during: "restore" | "verify";
  readonly message: string;
  readonly cause?: unknown;
}

export interface RestoreListeners {
  /** Called at every change, with the same object each time: the caller decides how often to look at it. */
  readonly onProgress?: ((totals: Readonly<RestoreTotals>) => void) | undefined;
  readonly onItem?: ((item: RestoreItem) => void) | undefined;
  readonly onProblem?: ((problem: RestoreProblem) => void) | undefined;
}

/** Errors that concern one entry. */
const codesOfEntries: readonly EngineErrorCode[] = ["corrupt-data", "not-found", "target-unwritable", "unsupported"];

/** Counts what happens and tells it to whoever listens. */
export class RestoreReport {
  readonly totals: RestoreTotals = {
    totalFiles: 0,
    filesRestored: 0,
    filesSkipped: 0,
    filesDeleted: 0,
    totalBytes: 0,
    bytesRestored: 0,
    bytesSkipped: 0,
  };
  problems = 0;
  readonly #listeners: RestoreListeners;

  constructor(listeners: RestoreListeners) {
    this.#listeners = listeners;
  }

  planned(bytes: number): void {
    this.totals.totalFiles += 1;
    this.totals.totalBytes += bytes;
    this.#progressed();
  }

  /** Some of a file's content is where it belongs. */
  wrote(bytes: number): void {
    this.totals.bytesRestored += bytes;
    this.#progressed();
  }

  restored(path: TargetPath, bytes = 0, action: "restored" | "updated" = "restored"): void {
    this.totals.filesRestored += 1;
    this.#item(action, path, bytes);
  }

  skipped(path: TargetPath, bytes: number): void {
    this.totals.filesSkipped += 1;
    this.totals.bytesSkipped += bytes;
    this.#item("unchanged", path, bytes);
  }

  /** A planned file turned out to be right. */
  leftAlone(path: TargetPath, bytes: number): void {
    this.totals.totalFiles -= 1;
    this.totals.totalBytes -= bytes;
    this.skipped(path, bytes);
  }

  deleted(path: TargetPath): void {
    this.totals.filesDeleted += 1;
    this.#item("deleted", path, 0);
  }

  /** Counts and tells what is wrong with one entry. What ends the whole restore is thrown again: a store that is gone, bugs, a signal. */
  problem(path: TargetPath, cause: unknown, during: RestoreProblem["during"] = "restore"): void {
    if (!isEngineError(cause, ...codesOfEntries)) throw cause;
    this.problems += 1;
    this.#listeners.onProblem?.({ path: joinPath(path), during, message: cause.message, cause });
  }

  #item(action: RestoreItem["action"], path: TargetPath, bytes: number): void {
    this.#listeners.onItem?.({ action, path: joinPath(path), bytes });
    this.#progressed();
  }

  #progressed(): void {
    this.#listeners.onProgress?.(this.totals);
  }
}
