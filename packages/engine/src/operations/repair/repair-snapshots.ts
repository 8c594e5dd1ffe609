import type { Compression } from "../../crypto/primitives.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobId, ObjectId } from "../../format/ids.ts";
import type { Snapshot, StoredSnapshot } from "../../format/snapshot.ts";
import { BlobWriter } from "../../repository/blob-writer.ts";
import { deleteObjects } from "../../repository/delete-objects.ts";
import { loadIndex } from "../../repository/load-index.ts";
import { exclusiveLock, type LockOptions, type RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { loadSnapshots, saveSnapshot } from "../../repository/snapshots.ts";
import { TreeRepairer } from "./repair-tree.ts";

/** What restic marks repaired snapshots with. */
const repairedTag = "repaired";

export interface RepairSnapshotsRequest extends Abortable {
  /** Who locks; or an exclusive lock that the caller holds, and goes on holding. */
  readonly lock: LockOptions | RepositoryLock;
  /** Which of them; all unless told. */
  readonly snapshots?: readonly StoredSnapshot[] | undefined;
  /** Delete the damaged ones once the new ones are stored, and those of which nothing at all can be read. */
  readonly forget?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly compression: Compression;
  /** Called for a snapshot file that can't be read: it is passed over. */
  readonly onUnreadable?: ((id: ObjectId, error: EngineError) => void) | undefined;
  /** Called for everything that is not in the new snapshot as it was; `path` is escaped. */
  readonly onChange?: ((change: { snapshot: ObjectId; path: string; message: string }) => void) | undefined;
  readonly onProgress?: ((progress: { step: "snapshots"; done: number; total: number }) => void) | undefined;
}

export interface RepairSnapshotsResult {
  /** What was damaged, and what is there instead: undefined in a dry run. */
  readonly repaired: readonly { readonly damaged: ObjectId; readonly repaired: ObjectId | undefined }[];
  /** Of these nothing can be read. */
  readonly lost: readonly ObjectId[];
  /** Deleted, by `forget`. */
  readonly forgotten: readonly ObjectId[];
}

/**
 * Makes new snapshots of those that name what is lost, without it (restic manual, "Repairing a repository"): a folder that can't be read is empty, a file has the
 * parts that are left. The index must be right: `repairIndex` comes first. New snapshots are stored after their trees, damaged ones go last.
 */
export async function repairSnapshots(
  repository: Repository,
  request: RepairSnapshotsRequest,
): Promise<RepairSnapshotsResult> {
  await using lock = await exclusiveLock(repository, request.lock, request);
  const run = { ...request, signal: lock.signal };
  const all = await loadSnapshots(repository, {
    signal: run.signal,
    onUnreadable: (id, error) => run.onUnreadable?.(id, error),
  });
  await loadIndex(repository, run);
  const looked = await repairTrees(repository, run.snapshots ?? all, lock, run);

  const repaired: { damaged: ObjectId; repaired: ObjectId | undefined }[] = [];
  const lost: ObjectId[] = [];
  for (const { snapshot, tree } of looked) {
    if (tree === undefined) lost.push(snapshot.id);
    else if (tree !== snapshot.tree) {
      const wanted = repairedSnapshot(snapshot, tree, run.forget === true);
      repaired.push({
        damaged: snapshot.id,
        repaired: run.dryRun ? undefined : await saveOnce(repository, wanted, all, lock),
      });
    }
  }
  const forgotten = run.forget && !run.dryRun ? [...repaired.map(({ damaged }) => damaged), ...lost] : [];
  await deleteObjects(repository, "snapshots", forgotten, { lock, signal: run.signal });
  return { repaired, lost, forgotten };
}

/** By snapshot, the tree that it should have; undefined if its own can't be read. All are stored and indexed when this resolves. */
async function repairTrees(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  lock: RepositoryLock,
  run: RepairSnapshotsRequest,
): Promise<{ snapshot: StoredSnapshot; tree: BlobId | undefined }[]> {
  await using writer = new BlobWriter(repository, { lock, compression: run.compression, dryRun: run.dryRun });
  let present: ObjectId;
  const onChange = (path: string, message: string) => run.onChange?.({ snapshot: present, path, message });
  const trees = new TreeRepairer(repository, writer, { signal: run.signal, onChange });
  const looked: { snapshot: StoredSnapshot; tree: BlobId | undefined }[] = [];
  for (const snapshot of snapshots) {
    present = snapshot.id;
    const tree = snapshot.tree && (await trees.repair(snapshot.tree, "/"));
    if (tree === undefined) onChange("/", "nothing of it can be read");
    looked.push({ snapshot, tree });
    run.onProgress?.({ step: "snapshots", done: looked.length, total: snapshots.length });
  }
  await writer.flush();
  return looked;
}

function repairedSnapshot({ id, ...damaged }: StoredSnapshot, tree: BlobId, forget: boolean): Snapshot {
  const isTagged = forget || damaged.tags.includes(repairedTag);
  return { ...damaged, tree, original: id, tags: isTagged ? damaged.tags : [...damaged.tags, repairedTag] };
}

/** A run that was stopped may have stored it. */
async function saveOnce(
  repository: Repository,
  wanted: Snapshot,
  present: readonly StoredSnapshot[],
  lock: RepositoryLock,
): Promise<ObjectId> {
  const same = present.find(
    ({ original, tree, tags }) =>
      original === wanted.original && tree === wanted.tree && wanted.tags.every((tag) => tags.includes(tag)),
  );
  if (same) return same.id;
  await lock.ensureFresh();
  return await saveSnapshot(repository, wanted, { signal: lock.signal });
}
