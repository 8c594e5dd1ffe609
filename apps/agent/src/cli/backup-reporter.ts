import type { BackupItem, BackupProgress, BackupResult, BackupSettings, Problem } from "@saveos/engine";
import { summaryCounts } from "../jobs/summary-counts.ts";
import type { ProgressDisplay } from "../terminal/progress-display.ts";
import { secondsLeft, shareDone } from "../terminal/progress-text.ts";
import { formatBytes, formatCount, formatDuration, plural } from "../terminal/quantities.ts";
import { padStart } from "../terminal/text-width.ts";
import type { Invocation } from "./command-line.ts";
import { showProgress, showsProgress } from "./progress.ts";
import { times } from "./records/snapshot-record.ts";

/** Tells how a backup goes and what it did: texts for people, restic's messages for machines (restic manual, "Scripting", backup). */
export class BackupReporter implements AsyncDisposable {
  readonly callbacks: Pick<BackupSettings, "onProgress" | "onItem" | "onProblem" | "onWarning">;
  readonly #invocation: Pick<Invocation, "world" | "print">;
  /** A path as the reader may have it: as it is for machines, safe to print for people, who may not be the ones that named the files. */
  readonly #shown: (path: string) => string;
  readonly #display: ProgressDisplay;
  #problems = 0;

  constructor(invocation: Pick<Invocation, "world" | "print">, displayName: (path: string) => string) {
    this.#invocation = invocation;
    this.#shown = invocation.print.options.json ? (path) => path : displayName;
    this.#display = showProgress(invocation, (progress, { current }) => ({
      message_type: "status",
      seconds_elapsed: Math.floor(progress.secondsElapsed) || undefined,
      seconds_remaining: Math.floor(secondsLeft(progress) ?? 0) || undefined,
      percent_done: shareDone(progress) ?? 0,
      total_files: progress.filesTotal,
      files_done: progress.filesDone || undefined,
      total_bytes: progress.bytesTotal,
      bytes_done: progress.bytesDone || undefined,
      error_count: this.#problems || undefined,
      current_files: current?.length ? current : undefined,
    }));
    this.callbacks = {
      ...(showsProgress(invocation) ? { onProgress: (progress: BackupProgress) => this.#progress(progress) } : {}),
      onProblem: (problem) => this.#problem(problem),
      onWarning: (path, message) =>
        void invocation.print.problem({ item: this.#shown(path), message, during: "archival" }),
      ...(invocation.print.options.verbosity >= 2 ? { onItem: (item: BackupItem) => this.#item(item) } : {}),
    };
  }

  /** Says what the backup did. */
  async finish({ snapshotId, summary, parent }: BackupResult, { dryRun }: { readonly dryRun: boolean }): Promise<void> {
    const { print } = this.#invocation;
    await this.#display[Symbol.asyncDispose]();
    const seconds = this.#display.secondsElapsed;
    await print.result(print.style.strong(headline(snapshotId, dryRun)));
    await print.info(
      ...changeLines(summary),
      `In all  ${plural(summary.totalFilesProcessed, "file")}, ${formatBytes(summary.totalBytesProcessed)} in ${formatDuration(seconds)}`,
      `Stored  ${storedText(summary, dryRun)}`,
    );
    if (parent !== undefined) await print.detail(1, `Compared with snapshot ${parent.slice(0, 8)}`);
    await print.detail(
      1,
      `${plural(summary.dataBlobs, "new data blob")}, ${plural(summary.treeBlobs, "new tree blob")}`,
    );
    await print.record({
      message_type: "summary",
      ...(dryRun ? { dry_run: true } : {}),
      ...summaryCounts(summary),
      ...times(summary),
      total_duration: seconds,
      snapshot_id: snapshotId,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#display[Symbol.asyncDispose]();
  }

  #progress({ filesDone, bytesDone, filesTotal, bytesTotal, currentFiles }: BackupProgress): void {
    this.#display.update({ filesDone, bytesDone, filesTotal, bytesTotal, current: currentFiles.map(this.#shown) });
  }

  #problem({ path, message }: Problem): void {
    this.#problems += 1;
    void this.#invocation.print.problem({ item: this.#shown(path), message, during: "archival" });
  }

  #item({ action, path, type, bytes, dataAdded, dataAddedPacked }: BackupItem): void {
    const { print } = this.#invocation;
    const item = type === "dir" ? `${path}/` : path;
    const sizes = type === "dir" ? { metadata_size: dataAdded, metadata_size_in_repo: dataAddedPacked } : {};
    void print.detail(2, `${action.padEnd(9)}  ${this.#shown(item)}  ${formatBytes(bytes)}`);
    void print.record({
      message_type: "verbose_status",
      action: action === "changed" ? "modified" : action,
      item,
      duration: 0,
      data_size: type === "dir" ? 0 : dataAdded,
      data_size_in_repo: type === "dir" ? 0 : dataAddedPacked,
      metadata_size: 0,
      metadata_size_in_repo: 0,
      ...sizes,
      total_files: 0,
    });
  }
}

function headline(snapshotId: string | undefined, dryRun: boolean): string {
  if (dryRun) return "Dry run: nothing was stored";
  return snapshotId === undefined
    ? "Nothing changed: no snapshot was made"
    : `Saved snapshot ${snapshotId.slice(0, 8)}`;
}

/** How little of it was new. */
function storedText({ dataAdded, dataAddedPacked }: BackupResult["summary"], dryRun: boolean): string {
  if (dataAdded === 0) return "nothing new";
  const before = `${formatBytes(dataAdded)} before compression`;
  return dryRun
    ? `would be ${formatBytes(dataAddedPacked)} (${before})`
    : `${formatBytes(dataAddedPacked)} (${before})`;
}

function changeLines(summary: BackupResult["summary"]): string[] {
  const rows = [
    ["Files", summary.filesNew, summary.filesChanged, summary.filesUnmodified],
    ["Folders", summary.dirsNew, summary.dirsChanged, summary.dirsUnmodified],
  ] as const;
  const width = Math.max(...rows.flatMap(([, ...numbers]) => numbers.map((number) => formatCount(number).length)));
  const cell = (number: number) => padStart(formatCount(number), width);
  return rows.map(
    ([title, added, changed, same]) =>
      `${title.padEnd(7)} ${cell(added)} new  ${cell(changed)} changed  ${cell(same)} unchanged`,
  );
}
