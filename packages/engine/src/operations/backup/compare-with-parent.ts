import type { EngineError } from "../../errors/engine-error.ts";
import type { BlobId } from "../../format/ids.ts";
import { TreeRooms } from "../../format/tree-room.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { treeReaderOf } from "../../repository/load-tree.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { Repository } from "../../repository/repository.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { ScanEvent } from "../../source/scan.ts";
import type { BackupRun } from "./backup-request.ts";
import { ParentDirectory } from "./parent-directory.ts";

/** A scanned entry with the node that the parent snapshot has in its place, of whatever type. */
export type ComparedEntry = ScanEvent<ParentDirectory>;

export interface ParentDeps {
  readonly repository: Repository;
  readonly source: Pick<FileSource, "tellsChanges">;
  readonly writer: Pick<BlobWriter, "has" | "hasId">;
  readonly run: BackupRun;
  readonly onDamagedTree: (id: BlobId, error: EngineError) => void;
}

/** The root of the parent snapshot, for the scan to compare with. Only the parent's trees along the current path are in memory. */
export async function openParent(
  parent: StoredSnapshot | undefined,
  { repository, source, writer, run, onDamagedTree }: ParentDeps,
): Promise<ParentDirectory | undefined> {
  if (!parent?.tree) return undefined;
  return await ParentDirectory.load(
    {
      trees: treeReaderOf(repository),
      has: (handle) => writer.has(handle),
      hasData: (words) => writer.hasId("data", words, 0),
      isComparable: source.tellsChanges && !run.ignoreCtime && !run.ignoreInode && isOfSameEyes(parent, run),
      onDamagedTree,
      signal: run.signal,
      rooms: new TreeRooms(),
    },
    parent.tree,
  );
}

/** Whether the parent's nodes say what this run would read: another version, user or machine may see more of a file, or less. */
function isOfSameEyes(parent: StoredSnapshot, run: BackupRun): boolean {
  return (
    parent.programVersion === run.programVersion &&
    parent.uid === run.uid &&
    parent.gid === run.gid &&
    parent.hostname === run.hostname
  );
}
