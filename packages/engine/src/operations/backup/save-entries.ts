import { isEngineError } from "../../errors/engine-error.ts";
import type { BlobId } from "../../format/ids.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import { isUnchanged } from "../../source/change-detection.ts";
import type { BackupRun } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";
import type { ComparedEntry } from "./compare-with-parent.ts";
import type { ContentSaver } from "./content-saver.ts";
import type { FileEntry, SavedEntry } from "./saved.ts";
import { Window, type WindowPlace } from "./window.ts";

export interface SaveEntriesDeps {
  readonly writer: BlobWriter;
  readonly contents: ContentSaver;
  readonly run: BackupRun;
  readonly tally: BackupTally;
}

/** Entries between the one that is scanned and the one that is saved: enough for several batches of small files. */
const entriesInFlight = 2048;

/** The parent's trees of directories that were left and wait for their turn take room as well: some hundred directories of some hundred files. */
const parentBytesInFlight = 8 * 1024 * 1024;

/**
 * Saves what the scanned entries hold, many at once, and yields them in their order, some at a time. Directories pass through: their trees are made
 * once their children are known. A file that can't be read is reported and left out; a file that changed while it was read is reported and kept as
 * it was read.
 */
export async function* saveEntries(
  batches: AsyncIterable<readonly ComparedEntry[]>,
  deps: SaveEntriesDeps,
): AsyncGenerator<readonly SavedEntry[], void, undefined> {
  const { contents } = deps;
  const window = new Window<SavedEntry>();
  let parentBytes = 0;
  const isFull = () => window.size >= entriesInFlight || parentBytes >= parentBytesInFlight;
  const take = async () => {
    const saved = await window.take();
    for (const entry of saved) parentBytes -= parentBytesOf(entry);
    return saved;
  };
  for await (const batch of batches) {
    for (const entry of batch) {
      saveEntry(entry, window.reserve(), deps);
      parentBytes += parentBytesOf(entry);
      while (isFull() || (window.size > 0 && !contents.hasRoom)) {
        if (isFull()) contents.begin();
        yield await take();
      }
    }
    if (window.isFirstReady) yield await take();
  }
  contents.begin();
  while (window.size > 0) yield await take();
  await contents.finish();
}

/** Told when a directory is left: one that is open is in memory anyway, however large it is. */
function parentBytesOf(entry: ComparedEntry | SavedEntry): number {
  return entry.kind === "leave" ? (entry.known?.treeBytes ?? 0) : 0;
}

function saveEntry(entry: ComparedEntry, saved: WindowPlace<SavedEntry>, deps: SaveEntriesDeps): void {
  if (entry.kind !== "file") {
    saved.settle(entry);
    return;
  }
  const { path, snapshotPath, metadata } = entry;
  const content = metadata.type === "file" ? contentToKeep(entry, deps) : undefined;
  if (metadata.type === "file" && !content) {
    saveFile(entry, saved, deps);
    return;
  }
  if (content) deps.tally.fileDone({ snapshotPath, size: metadata.size }, "unchanged");
  saved.settle({ kind: "file", path, node: { ...metadata, content, subtree: undefined } });
}

/** The parent's content of a file that did not change, if the repository still has all of it. */
function contentToKeep(
  { path, stat, previous }: FileEntry,
  { writer, run, tally }: SaveEntriesDeps,
): readonly BlobId[] | undefined {
  if (!previous?.content || !isUnchanged(stat, previous, run)) return undefined;
  if (previous.content.every((id) => writer.has({ type: "data", id }))) return previous.content;
  tally.warning(path, "parts of it are missing in the repository although it did not change: it is read again");
  return undefined;
}

function saveFile(entry: FileEntry, saved: WindowPlace<SavedEntry>, { contents, tally }: SaveEntriesDeps): void {
  const { path, snapshotPath, metadata, previous } = entry;
  contents.save(entry, {
    saved(content) {
      const { ids, size, change } = content;
      if (change) tally.problem({ path, message: change });
      tally.fileDone({ snapshotPath, size }, previous?.type === "file" ? "changed" : "new", content);
      saved.settle({ kind: "file", path, node: { ...metadata, size, content: ids, subtree: undefined } });
    },
    failed(error) {
      if (!isEngineError(error, "source-unreadable", "not-found")) {
        saved.fail(error);
        return;
      }
      const message = error.code === "not-found" ? "vanished before it could be read" : error.message;
      tally.problem({ path, message, cause: error });
      saved.settle({ kind: "file", path, node: undefined });
    },
  });
}
