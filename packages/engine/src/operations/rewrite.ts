import { EngineError, isEngineError } from "../errors/engine-error.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { changeSnapshot, type SnapshotChange } from "../format/change-snapshot.ts";
import { type ObjectId, shortId } from "../format/ids.ts";
import type { Snapshot, SnapshotSummary, StoredSnapshot } from "../format/snapshot.ts";
import { formatTime, localZone, parseTime } from "../format/time.ts";
import { everything } from "../pattern/path-filter.ts";
import { BlobWriter } from "../repository/blob-writer.ts";
import { deleteObjects, requireDeletionAllowed } from "../repository/delete-objects.ts";
import { loadIndex } from "../repository/load-index.ts";
import { exclusiveLock, lockRepository, type RepositoryLock } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots, snapshotsAtOnce } from "../repository/snapshots.ts";
import { loadUnpacked, saveUnpacked } from "../repository/unpacked-files.ts";
import { rootTree } from "./list-files.ts";
import type { RewriteRequest, RewriteResult } from "./rewrite/rewrite-request.ts";
import { TreeRewriter } from "./rewrite/tree-rewriter.ts";

/** What restic marks rewritten snapshots with while the ones before are still there. */
const rewriteTag = "rewrite";

/**
 * Makes new snapshots of others: without some of their files, or with another host or time (restic manual, "Removing files from snapshots"). Trees in which nothing changes
 * are kept by their ids. All new trees are stored and indexed before the first new snapshot is, and the old ones go last: a run that stops anywhere loses
 * nothing, and the next one goes on from there.
 *
 * Rejects with `unsupported` if a folder would lose what only another program understands, `corrupt-data` or `not-found` if one can't be read: then no snapshot is
 * changed.
 */
export async function rewrite(repository: Repository, request: RewriteRequest): Promise<RewriteResult> {
  const { filter, summarize, hostname, timeNs, forget = false, dryRun = false } = request;
  if (!filter && !summarize && !hostname && timeNs === undefined)
    throw new EngineError("invalid-input", "Nothing to do: no files to leave out, and no other host or time", {
      hint: "Use --exclude, --include, --new-host, --new-time or --snapshot-summary.",
    });
  await using lock = await lockFor(repository, request);
  const { signal } = lock;
  const chosen = await request.chooseSnapshots(repository, { signal });
  // A run that was stopped may have stored some.
  const present = await loadSnapshots(repository, { signal, onUnreadable: () => undefined });
  await loadIndex(repository, { signal });
  if (forget && !dryRun && chosen.length > 0) await requireDeletionAllowed(repository, { lock, signal });

  const wanted = await rewriteTrees(repository, chosen, lock, request);
  const changed = wanted.filter(({ change }) => change !== undefined);
  const save = async ({ snapshot, change }: Wanted) => {
    const newId = change && !dryRun ? await saveOnce(repository, snapshot, change, present, lock) : undefined;
    request.onSnapshot?.({ snapshot, isChanged: change !== undefined, newId });
  };
  for await (const _saved of mapConcurrent(wanted, snapshotsAtOnce, save));
  const forgotten = forget && !dryRun ? changed.map(({ snapshot }) => snapshot.id) : [];
  await deleteObjects(repository, "snapshots", forgotten, { lock, signal });
  return { changed: changed.length, unchanged: wanted.length - changed.length, forgotten: forgotten.length };
}

async function lockFor(
  repository: Repository,
  { lock, forget, dryRun, signal }: RewriteRequest,
): Promise<RepositoryLock> {
  if (forget && !dryRun) return await exclusiveLock(repository, lock, { signal });
  return await lockRepository(repository, { ...lock, exclusive: false, signal });
}

/** A snapshot and what it is to say instead; no change if it says that. */
interface Wanted {
  readonly snapshot: StoredSnapshot;
  readonly change: SnapshotChange | undefined;
}

/** All new trees are stored and indexed when this resolves. */
async function rewriteTrees(
  repository: Repository,
  chosen: readonly StoredSnapshot[],
  lock: RepositoryLock,
  request: RewriteRequest,
): Promise<Wanted[]> {
  const { filter = everything, onLeftOut, onProgress } = request;
  await using writer = new BlobWriter(repository, { ...request, lock });
  const trees = new TreeRewriter(repository, writer, { filter, onLeftOut, signal: lock.signal });
  const looksAtTrees = request.filter !== undefined || request.summarize === true;
  const root = filter.includes("/", true);
  const isOnlyWay = !root.selected && root.childMayMatch;
  const wanted: Wanted[] = [];
  for (const snapshot of chosen) {
    const counted = looksAtTrees ? await rewriteTree(trees, snapshot) : undefined;
    // As restic: an include that fits nothing of a snapshot leaves it as it is, an exclude of everything makes it empty.
    const change = counted?.isEmpty && isOnlyWay ? undefined : changeOf(snapshot, counted, request);
    wanted.push({ snapshot, change });
    onProgress?.({ done: wanted.length, total: chosen.length });
  }
  await writer.flush();
  return wanted;
}

type Counted = Awaited<ReturnType<TreeRewriter["rewrite"]>>;

async function rewriteTree(trees: TreeRewriter, snapshot: StoredSnapshot): Promise<Counted> {
  try {
    return await trees.rewrite(rootTree(snapshot));
  } catch (error) {
    if (!isEngineError(error, "unsupported", "corrupt-data", "not-found")) throw error;
    throw new EngineError(error.code, `Snapshot ${shortId(snapshot.id)} can't be rewritten: ${error.message}`, {
      cause: error,
      hint: error.hint,
    });
  }
}

/** Undefined if the snapshot says it all. */
function changeOf(
  snapshot: StoredSnapshot,
  counted: Counted | undefined,
  { hostname, timeNs, forget }: RewriteRequest,
): SnapshotChange | undefined {
  const summary = counted && recounted(snapshot.summary, counted);
  const isSame =
    (counted === undefined || counted.id === snapshot.tree) &&
    (summary === undefined || isSameCount(summary, snapshot.summary)) &&
    (!hostname || hostname === snapshot.hostname) &&
    (timeNs === undefined || timeNs === parseTime(snapshot.time));
  if (isSame) return undefined;
  const { tags } = snapshot;
  return {
    original: snapshot.id,
    ...(counted && { tree: counted.id }),
    ...(summary && !isSameCount(summary, snapshot.summary) && { summary }),
    ...(hostname && { hostname }),
    ...(timeNs !== undefined && { time: formatTime(timeNs, localZone) }),
    ...(!forget && !tags.includes(rewriteTag) && { tags: [...tags, rewriteTag] }),
  };
}

/** As restic: the rest tells of the backup, which stays as it was. */
function recounted(summary: SnapshotSummary | undefined, { files, bytes }: Counted): SnapshotSummary {
  return { ...(summary ?? nothingCounted), totalFilesProcessed: files, totalBytesProcessed: bytes };
}

function isSameCount(one: SnapshotSummary, other: SnapshotSummary | undefined): boolean {
  return (
    one.totalFilesProcessed === other?.totalFilesProcessed && one.totalBytesProcessed === other.totalBytesProcessed
  );
}

/** How Go writes a time that was never set. */
const noTime = "0001-01-01T00:00:00Z";

const nothingCounted: SnapshotSummary = {
  backupStart: noTime,
  backupEnd: noTime,
  filesNew: 0,
  filesChanged: 0,
  filesUnmodified: 0,
  dirsNew: 0,
  dirsChanged: 0,
  dirsUnmodified: 0,
  dataBlobs: 0,
  treeBlobs: 0,
  dataAdded: 0,
  dataAddedPacked: 0,
  totalFilesProcessed: 0,
  totalBytesProcessed: 0,
};

/** Stores the changed snapshot, unless a run that was stopped did. */
async function saveOnce(
  repository: Repository,
  snapshot: StoredSnapshot,
  change: SnapshotChange,
  present: readonly StoredSnapshot[],
  lock: RepositoryLock,
): Promise<ObjectId> {
  const same = present.find((other) => saysSo(other, { ...snapshot, ...change, original: snapshot.id }));
  if (same) return same.id;
  const { signal } = lock;
  const json = await loadUnpacked(repository, "snapshots", snapshot.id, { signal });
  await lock.ensureFresh();
  return await saveUnpacked(repository, "snapshots", changeSnapshot(json, change), { signal });
}

function saysSo(
  snapshot: Snapshot,
  wanted: Pick<Snapshot, "original" | "tree" | "hostname" | "time" | "tags">,
): boolean {
  return (
    snapshot.original === wanted.original &&
    snapshot.tree === wanted.tree &&
    snapshot.hostname === wanted.hostname &&
    parseTime(snapshot.time) === parseTime(wanted.time) &&
    wanted.tags.length === snapshot.tags.length &&
    wanted.tags.every((tag) => snapshot.tags.includes(tag))
  );
}
