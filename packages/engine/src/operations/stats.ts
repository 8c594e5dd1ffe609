import { plainBytesOf } from "../blob/plain-bytes.ts";
import { sealOverheadBytes } from "../crypto/seal.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import type { BlobId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { loadTree } from "../repository/load-tree.ts";
import type { Repository } from "../repository/repository.ts";
import { type ListedFile, rootTree, walkTree } from "./list-files.ts";

/** What to count (restic manual, "Getting information about repository data"). */
export type StatsMode = "restore-size" | "files-by-contents" | "blobs-per-file" | "raw-data";

export interface StatsRequest extends Abortable {
  readonly mode: StatsMode;
  readonly snapshots: readonly StoredSnapshot[];
}

export interface RepositoryStats {
  readonly totalSize: number;
  /** Entries, each counted once a snapshot; only where the mode looks at files. */
  readonly totalFileCount: number | undefined;
  /** Only where the mode counts blobs. */
  readonly totalBlobCount: number | undefined;
  /** Bytes of the blobs before compression; only for `raw-data`. */
  readonly totalUncompressedSize: number | undefined;
  readonly snapshotsCount: number;
}

/** Counts what the snapshots hold. The index must be loaded. */
export async function repositoryStats(repository: Repository, request: StatsRequest): Promise<RepositoryStats> {
  switch (request.mode) {
    case "restore-size":
      return await restoreSize(repository, request);
    case "files-by-contents":
      return await filesByContents(repository, request);
    case "blobs-per-file":
      return await blobsPerFile(repository, request);
    case "raw-data":
      return await rawData(repository, request);
  }
}

/** What restoring all the snapshots would write; hard links of one file count once a snapshot. */
async function restoreSize(repository: Repository, { snapshots, signal }: StatsRequest): Promise<RepositoryStats> {
  let totalSize = 0;
  let totalFileCount = 0;
  for (const snapshot of snapshots) {
    const linked = new Set<string>();
    for await (const { node } of walkTree(repository, rootTree(snapshot), "", { signal })) {
      totalFileCount += 1;
      const isFurtherLink = node.links > 1n && node.type === "file" && linked.has(linkKey(node));
      if (node.links > 1n) linked.add(linkKey(node));
      if (!isFurtherLink) totalSize += node.size;
    }
  }
  return {
    totalSize,
    totalFileCount,
    totalBlobCount: undefined,
    totalUncompressedSize: undefined,
    snapshotsCount: snapshots.length,
  };
}

function linkKey({ inode, deviceId }: Node): string {
  return `${deviceId}/${inode}`;
}

/** Files of different contents, each counted once. */
async function filesByContents(repository: Repository, { snapshots, signal }: StatsRequest): Promise<RepositoryStats> {
  let totalSize = 0;
  let totalFileCount = 0;
  for await (const { node } of filesOfNewContents(repository, snapshots, { signal })) {
    totalFileCount += 1;
    totalSize += node.size;
  }
  return {
    totalSize,
    totalFileCount,
    totalBlobCount: undefined,
    totalUncompressedSize: undefined,
    snapshotsCount: snapshots.length,
  };
}

/** The blobs of each path, whatever other paths share; of several paths with the same contents the first counts. */
async function blobsPerFile(repository: Repository, { snapshots, signal }: StatsRequest): Promise<RepositoryStats> {
  const blobsOf = new Map<string, Set<BlobId>>();
  let totalSize = 0;
  let totalBlobCount = 0;
  for await (const { path, node } of filesOfNewContents(repository, snapshots, { signal })) {
    for (const id of node.content ?? []) {
      const blobs = blobsOf.get(path) ?? new Set();
      blobsOf.set(path, blobs);
      if (blobs.has(id)) continue;
      blobs.add(id);
      totalBlobCount += 1;
      totalSize += plainSize(repository, { type: "data", id });
    }
  }
  const totalFileCount = blobsOf.size;
  return {
    totalSize,
    totalFileCount,
    totalBlobCount,
    totalUncompressedSize: undefined,
    snapshotsCount: snapshots.length,
  };
}

async function* filesOfNewContents(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  options: Abortable,
): AsyncGenerator<ListedFile, void, undefined> {
  const seen = new Set<string>();
  for (const snapshot of snapshots)
    for await (const file of walkTree(repository, rootTree(snapshot), "", options)) {
      if (file.node.type !== "file") continue;
      const contents = (file.node.content ?? []).join(",");
      if (seen.has(contents)) continue;
      seen.add(contents);
      yield file;
    }
}

/** Bytes of a blob before compression and sealing; 0 for one that is missing. */
export function plainSize({ index }: Repository, handle: BlobHandle): number {
  const [location] = index.find(handle);
  return location ? plainBytesOf(location) : 0;
}

/** The blobs that the snapshots need, each once, as they are stored. */
async function rawData(repository: Repository, { snapshots, signal }: StatsRequest): Promise<RepositoryStats> {
  const used = await usedBlobs(repository, snapshots, { signal });
  let totalSize = 0;
  let totalUncompressedSize = 0;
  let totalBlobCount = 0;
  const count = (handle: BlobHandle) => {
    const [location] = repository.index.find(handle);
    if (!location) return;
    totalBlobCount += 1;
    totalSize += location.length;
    // Restic counts what sealing adds on both sides, so that the ratio speaks of compression alone.
    totalUncompressedSize += plainSize(repository, handle) + sealOverheadBytes;
  };
  for (const type of ["tree", "data"] as const) for (const id of used[type]) count({ type, id });
  return {
    totalSize,
    totalFileCount: undefined,
    totalBlobCount,
    totalUncompressedSize,
    snapshotsCount: snapshots.length,
  };
}

async function usedBlobs(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  options: Abortable,
): Promise<Record<BlobType, Set<BlobId>>> {
  const used = { tree: new Set<BlobId>(), data: new Set<BlobId>() };
  const waiting = snapshots.map(rootTree);
  for (let tree = waiting.pop(); tree; tree = waiting.pop()) {
    if (used.tree.has(tree)) continue;
    used.tree.add(tree);
    for (const node of await loadTree(repository, tree, options)) {
      for (const id of node.content ?? []) used.data.add(id);
      if (node.subtree) waiting.push(node.subtree);
    }
  }
  return used;
}
