import type { Clock } from "../../flow/clock.ts";
import type { BlobId, ObjectId } from "../../format/ids.ts";
import { formatTime, localZone } from "../../format/time.ts";
import type { SnapshotSummary } from "../../format/snapshot.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { BackupItem, BackupProgress, BackupRun, BackupSettings, Problem } from "./backup-request.ts";
import type { ParentDirectory } from "./parent-directory.ts";
import type { SavedContent, SavedTree } from "./saved.ts";

type Action = BackupItem["action"];

/** Counts what a backup does, and tells the caller as it happens. Its callbacks are bound, so they can be handed on. */
export class BackupTally {
  readonly #run: BackupRun<BackupSettings>;
  readonly #clock: Clock;
  readonly #startNs: bigint;
  readonly #files: Record<Action, number> = { new: 0, changed: 0, unchanged: 0 };
  readonly #directories: Record<Action, number> = { new: 0, changed: 0, unchanged: 0 };
  readonly #reading = new Set<string>();
  readonly #added = { dataBlobs: 0, treeBlobs: 0, bytes: 0, packedBytes: 0 };
  #filesDone = 0;
  #bytesDone = 0;
  #bytesInFlight = new Map<string, number>();
  #total: { readonly files: number; readonly bytes: number } | undefined;
  #problems = 0;

  constructor(run: BackupRun<BackupSettings>, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
    this.#startNs = clock.nowNs();
  }

  get problems(): number {
    return this.#problems;
  }

  readonly problem = (problem: Problem): void => {
    this.#problems += 1;
    this.#run.onProblem?.(problem);
    this.#tell();
  };

  readonly warning = (path: string, message: string): void => this.#run.onWarning?.(path, message);

  /** A damaged snapshot can't be the parent, but does not stop a new backup. */
  readonly unreadableSnapshot = (id: ObjectId, error: Error): void =>
    this.#run.onWarning?.(`snapshots/${id}`, error.message);

  /** A tree that the index names but that can't be read: what is in it is read again, and its blobs stored again. */
  readonly damagedTree =
    (writer: BlobWriter) =>
    (id: BlobId, error: Error): void => {
      writer.distrustPacksOf({ type: "tree", id });
      this.#run.onWarning?.(`tree ${id}`, `${error.message}. What the folder holds is read again`);
    };

  totalKnown(total: { readonly files: number; readonly bytes: number }): void {
    this.#total = total;
    this.#tell();
  }

  readingStarts(path: string): void {
    this.#reading.add(path);
    this.#tell();
  }

  bytesRead(path: string, bytes: number): void {
    this.#bytesInFlight.set(path, (this.#bytesInFlight.get(path) ?? 0) + bytes);
    this.#tell();
  }

  readingEnds(path: string): void {
    this.#reading.delete(path);
    this.#bytesInFlight.delete(path);
  }

  /** A regular file; restic counts no links and devices. What was read of it, if it was, says what it added. */
  fileDone(
    file: { readonly snapshotPath: string; readonly size: number },
    action: Action,
    content?: SavedContent,
  ): void {
    const { size = file.size, newBlobs = 0, dataAdded = 0, dataAddedPacked = 0 } = content ?? {};
    this.#files[action] += 1;
    this.#filesDone += 1;
    this.#bytesDone += size;
    this.#added.dataBlobs += newBlobs;
    this.#added.bytes += dataAdded;
    this.#added.packedBytes += dataAddedPacked;
    this.#run.onItem?.({ action, path: file.snapshotPath, type: "file", bytes: size, dataAdded, dataAddedPacked });
    this.#tell();
  }

  /** Regular files of a directory that are as in the parent, told all at once. */
  filesKept(snapshotPath: string, directory: ParentDirectory): void {
    const { files, bytes } = directory.keptFiles();
    if (files === 0) return;
    this.#files.unchanged += files;
    this.#filesDone += files;
    this.#bytesDone += bytes;
    const { onItem } = this.#run;
    const added = { dataAdded: 0, dataAddedPacked: 0 };
    if (onItem)
      for (const { name, size } of directory.eachKeptFile())
        onItem({ action: "unchanged", path: `${snapshotPath}/${name}`, type: "file", bytes: size, ...added });
    this.#tell();
  }

  directoryDone(snapshotPath: string, action: Action, tree: SavedTree): void {
    this.#directories[action] += 1;
    const added = tree.isNew
      ? { dataAdded: tree.bytes, dataAddedPacked: tree.storedBytes }
      : { dataAdded: 0, dataAddedPacked: 0 };
    this.#run.onItem?.({ action, path: snapshotPath, type: "dir", bytes: 0, ...added });
  }

  treeSaved(tree: SavedTree): void {
    if (!tree.isNew) return;
    this.#added.treeBlobs += 1;
    this.#added.bytes += tree.bytes;
    this.#added.packedBytes += tree.storedBytes;
  }

  summary(): SnapshotSummary {
    return {
      backupStart: formatTime(this.#startNs, localZone),
      backupEnd: formatTime(this.#clock.nowNs(), localZone),
      filesNew: this.#files.new,
      filesChanged: this.#files.changed,
      filesUnmodified: this.#files.unchanged,
      dirsNew: this.#directories.new,
      dirsChanged: this.#directories.changed,
      dirsUnmodified: this.#directories.unchanged,
      dataBlobs: this.#added.dataBlobs,
      treeBlobs: this.#added.treeBlobs,
      dataAdded: this.#added.bytes,
      dataAddedPacked: this.#added.packedBytes,
      totalFilesProcessed: this.#filesDone,
      totalBytesProcessed: this.#bytesDone,
    };
  }

  #tell(): void {
    if (!this.#run.onProgress) return;
    let inFlight = 0;
    for (const bytes of this.#bytesInFlight.values()) inFlight += bytes;
    const progress: BackupProgress = {
      filesDone: this.#filesDone,
      bytesDone: this.#bytesDone + inFlight,
      filesTotal: this.#total?.files,
      bytesTotal: this.#total?.bytes,
      problems: this.#problems,
      currentFiles: [...this.#reading],
    };
    this.#run.onProgress(progress);
  }
}
