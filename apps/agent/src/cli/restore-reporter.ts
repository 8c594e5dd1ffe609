import type { RestoreItem, RestoreProblem, RestoreResult, RestoreSettings } from "@saveos/engine";
import { shareDone } from "../terminal/progress-text.ts";
import { formatBytes, formatCount, formatDuration, plural } from "../terminal/quantities.ts";
import type { Invocation } from "./command-line.ts";
import { showProgress } from "./progress.ts";

/** Tells how a restore goes and what it did: texts for people, restic's messages for machines (restic manual, "Scripting", restore). */
export class RestoreReporter implements AsyncDisposable {
  readonly callbacks: Pick<RestoreSettings, "onProgress" | "onItem" | "onProblem">;
  readonly #invocation: Invocation;
  readonly #display;
  readonly #displayName: (path: string) => string;
  #totals: Omit<RestoreResult, "problems" | "verified"> | undefined;

  constructor(invocation: Invocation, displayName: (path: string) => string) {
    this.#invocation = invocation;
    this.#displayName = displayName;
    const { print } = invocation;
    this.#display = showProgress(invocation, (progress) => ({
      message_type: "status",
      seconds_elapsed: Math.floor(progress.secondsElapsed) || undefined,
      percent_done: shareDone(progress) ?? 0,
      ...(this.#totals === undefined ? {} : totalsRecord(this.#totals)),
    }));
    this.callbacks = {
      onProgress: (totals) => {
        this.#totals = totals;
        this.#display.update({
          filesDone: totals.filesRestored,
          bytesDone: totals.bytesRestored,
          filesTotal: totals.totalFiles,
          bytesTotal: totals.totalBytes,
        });
      },
      onProblem: (problem) => void this.#problem(problem),
      ...(print.options.verbosity >= 2 ? { onItem: (item: RestoreItem) => void this.#item(item) } : {}),
    };
  }

  async finish(result: RestoreResult, { dryRun }: { readonly dryRun?: boolean | undefined }): Promise<void> {
    const { print } = this.#invocation;
    await this.#display[Symbol.asyncDispose]();
    const seconds = this.#display.secondsElapsed;
    const { filesRestored, bytesRestored, filesSkipped, bytesSkipped, filesDeleted, verified } = result;
    const entries = (count: number) => plural(count, "file or folder", "files and folders");
    await print.result(
      print.style.strong(
        `${dryRun ? "Would restore" : "Restored"} ${entries(filesRestored)}, ${formatBytes(bytesRestored)}`,
      ) + ` in ${formatDuration(seconds)}`,
    );
    if (filesSkipped > 0) await print.info(`Left ${entries(filesSkipped)} as they were, ${formatBytes(bytesSkipped)}`);
    if (filesDeleted > 0) await print.info(`${dryRun ? "Would delete" : "Deleted"} ${entries(filesDeleted)}`);
    if (verified !== undefined)
      await print.info(`Read again and compared: ${formatCount(verified.files)} files, ${formatBytes(verified.bytes)}`);
    await print.record({
      message_type: "summary",
      seconds_elapsed: Math.floor(seconds) || undefined,
      ...totalsRecord(result),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#display[Symbol.asyncDispose]();
  }

  async #problem({ path: item, message, during }: RestoreProblem): Promise<void> {
    const { print } = this.#invocation;
    await print.problem({ item: print.options.json ? item : this.#displayName(item), message, during });
  }

  async #item({ action, path: item, bytes }: RestoreItem): Promise<void> {
    const { print } = this.#invocation;
    await print.detail(2, `${action.padEnd(9)}  ${this.#displayName(item)}  ${formatBytes(bytes)}`);
    await print.record({ message_type: "verbose_status", action, item, size: bytes });
  }
}

/** As restic, zeros are left out. */
function totalsRecord(totals: Omit<RestoreResult, "problems" | "verified">): Record<string, number | undefined> {
  return {
    total_files: totals.totalFiles || undefined,
    files_restored: totals.filesRestored || undefined,
    files_skipped: totals.filesSkipped || undefined,
    files_deleted: totals.filesDeleted || undefined,
    total_bytes: totals.totalBytes || undefined,
    bytes_restored: totals.bytesRestored || undefined,
    bytes_skipped: totals.bytesSkipped || undefined,
  };
}
