import { chunks } from "../../chunk/chunker.ts";
import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { BlobId } from "../../format/ids.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { Repository } from "../../repository/repository.ts";
import { isUnchanged } from "../../source/change-detection.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { BackupRun } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";
import type { ComparedEntry } from "./compare-with-parent.ts";
import type { SavedContent, SavedEntry } from "./saved.ts";

type FileEntry = Extract<ComparedEntry, { kind: "file" }>;

/**
 * Saves what one scanned entry holds. Directories pass through: their trees are made once their children are known.
 * A file that can't be read is reported and left out; a file that changed while it was read is reported and kept as it was read.
 */
export async function saveEntry(
  repository: Repository,
  source: FileSource,
  writer: BlobWriter,
  entry: ComparedEntry,
  run: BackupRun,
  tally: BackupTally,
): Promise<SavedEntry> {
  if (entry.kind !== "file") return entry;
  const { path, snapshotPath, metadata, previous } = entry;
  if (metadata.type !== "file")
    return { kind: "file", path, node: { ...metadata, content: undefined, subtree: undefined } };
  const kept = contentToKeep(writer, entry, run, tally);
  if (kept) {
    tally.fileDone({ path, snapshotPath, size: metadata.size }, "unchanged");
    return { kind: "file", path, node: { ...metadata, content: kept, subtree: undefined } };
  }
  tally.readingStarts(path);
  try {
    const content = await saveContent(repository, writer, source.read(path, { signal: run.signal }), (bytes) =>
      tally.bytesRead(path, bytes),
    );
    await reportChangeWhileReading(source, entry, content.size, tally);
    tally.fileDone({ path, snapshotPath, size: content.size }, previous?.type === "file" ? "changed" : "new", content);
    return { kind: "file", path, node: { ...metadata, size: content.size, content: content.ids, subtree: undefined } };
  } catch (error) {
    if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
    const message = error.code === "not-found" ? "vanished before it could be read" : error.message;
    tally.problem({ path, message, cause: error });
    return { kind: "file", path, node: undefined };
  } finally {
    tally.readingEnds(path);
  }
}

/** The parent's content of a file that did not change, if the repository still has all of it. */
function contentToKeep(
  writer: BlobWriter,
  { path, stat, previous }: FileEntry,
  run: BackupRun,
  tally: BackupTally,
): readonly BlobId[] | undefined {
  if (!previous?.content || !isUnchanged(stat, previous, run)) return undefined;
  if (previous.content.every((id) => writer.has({ type: "data", id }))) return previous.content;
  tally.warning(path, "parts of it are missing in the repository although it did not change: it is read again");
  return undefined;
}

/** Cuts a stream into chunks and saves them. */
export async function saveContent(
  repository: Repository,
  writer: BlobWriter,
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<SavedContent> {
  const ids: BlobId[] = [];
  let size = 0;
  let dataAdded = 0;
  let dataAddedPacked = 0;
  let newBlobs = 0;
  for await (const chunk of chunks(bytes, repository.config.chunkerPolynomial)) {
    const length = chunk.length;
    const { id, isNew, storedBytes } = await writer.save("data", chunk);
    ids.push(id);
    size += length;
    onBytes(length);
    if (!isNew) continue;
    newBlobs += 1;
    dataAdded += length;
    dataAddedPacked += storedBytes;
  }
  return { ids, size, dataAdded, dataAddedPacked, newBlobs };
}

/** A file may be written to while it is read: then what was saved may be half old and half new, and the person must know. */
async function reportChangeWhileReading(
  source: FileSource,
  { path, stat }: FileEntry,
  sizeRead: number,
  tally: BackupTally,
): Promise<void> {
  const message = await changeSince(source, path, stat, sizeRead);
  if (message) tally.problem({ path, message });
}

async function changeSince(
  source: FileSource,
  path: string,
  before: FileEntry["stat"],
  sizeRead: number,
): Promise<string | undefined> {
  try {
    const after = await source.stat(path);
    if (sizeRead < before.size) return `shrank while it was read: ${sizeRead} of ${before.size} bytes are saved`;
    if (sizeRead > before.size) return `grew while it was read: ${sizeRead} bytes instead of ${before.size} are saved`;
    const isSame = after.mtimeNs === before.mtimeNs && after.size === before.size && after.inode === before.inode;
    return isSame ? undefined : "changed while it was read: what is saved may mix old and new content";
  } catch (error) {
    if (isEngineError(error, "not-found")) return "vanished while it was read: what was read is saved";
    throw error instanceof EngineError
      ? error
      : new EngineError("source-unreadable", `${path} can't be looked at again`, { cause: error });
  }
}
