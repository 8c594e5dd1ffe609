import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { changeSnapshot } from "../format/change-snapshot.ts";
import type { ObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { type LockOptions, lockRepository, type RepositoryLock } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshot, snapshotsAtOnce } from "../repository/snapshots.ts";
import { loadUnpacked, saveUnpacked } from "../repository/unpacked-files.ts";
import { listSnapshots, type SnapshotFilter } from "./snapshots.ts";

/** The tags that a snapshot is to have, or what is to be added to those it has and then removed. */
export type TagChange =
  | { readonly set: readonly string[] }
  | { readonly add: readonly string[]; readonly remove: readonly string[] };

export interface TagRequest extends Abortable {
  readonly change: TagChange;
  /** Whole ids; those that fit the filter if left out. One that is not there is passed over. */
  readonly snapshotIds?: readonly ObjectId[] | undefined;
  readonly filter?: SnapshotFilter | undefined;
  readonly lock: LockOptions;
  /** Called when the new snapshot is stored and the old one is gone. */
  readonly onChanged?: ((change: { readonly oldId: ObjectId; readonly newId: ObjectId }) => void) | undefined;
  /** Called with a snapshot file that can't be read. It is passed over, and stays. */
  readonly onUnreadable?: ((id: ObjectId, error: EngineError) => void) | undefined;
}

/**
 * Changes the tags of snapshots, and resolves with how many were changed. A snapshot's name is its content, so a changed one is a new one, which says what it
 * was by `original`; the old one goes once the new one is durable. Stopped anywhere, a snapshot may be there twice, and none is lost.
 */
export async function tagSnapshots(repository: Repository, request: TagRequest): Promise<number> {
  const { change, lock, signal } = request;
  if ("add" in change && change.add.length === 0 && change.remove.length === 0)
    throw new EngineError("invalid-input", "No tags were given to set, add or remove", {
      hint: "Use `--set`, `--add` or `--remove` with tags such as a,b.",
    });
  if (lock.noLock === true)
    throw new EngineError("invalid-input", "Tags can't be changed without locking the repository", {
      hint: "Leave `--no-lock` out.",
    });
  await using held = await lockRepository(repository, { ...lock, exclusive: true, signal });
  const snapshots = await chosenSnapshots(repository, request, held);
  let changed = 0;
  const retag = async (snapshot: StoredSnapshot): Promise<void> => {
    const tags = changedTags(snapshot.tags, change);
    if (JSON.stringify(tags) === JSON.stringify(snapshot.tags)) return;
    const newId = await replaceSnapshot(repository, snapshot, tags, held);
    changed += 1;
    request.onChanged?.({ oldId: snapshot.id, newId });
  };
  for await (const _ of mapConcurrent(snapshots, snapshotsAtOnce, retag));
  return changed;
}

/** All are known before the first is changed: a listing that goes on meanwhile might bring the new ones again. */
async function chosenSnapshots(
  repository: Repository,
  { snapshotIds, filter, onUnreadable }: TagRequest,
  { signal }: RepositoryLock,
): Promise<readonly StoredSnapshot[]> {
  if (!snapshotIds) return await listSnapshots(repository, filter, { signal, ...(onUnreadable && { onUnreadable }) });
  const load = async (id: ObjectId): Promise<StoredSnapshot[]> => {
    try {
      return [await loadSnapshot(repository, id, { signal })];
    } catch (error) {
      if (isEngineError(error, "not-found")) return [];
      if (!onUnreadable || !isEngineError(error, "corrupt-data", "unsupported")) throw error;
      onUnreadable(id, error);
      return [];
    }
  };
  return (await Array.fromAsync(mapConcurrent(new Set(snapshotIds), snapshotsAtOnce, load))).flat();
}

function changedTags(tags: readonly string[], change: TagChange): readonly string[] {
  if ("set" in change) return [...new Set(change.set)];
  const added = [...tags, ...new Set(change.add.filter((tag) => !tags.includes(tag)))];
  return added.filter((tag) => !change.remove.includes(tag));
}

async function replaceSnapshot(
  repository: Repository,
  { id, original = id }: StoredSnapshot,
  tags: readonly string[],
  held: RepositoryLock,
): Promise<ObjectId> {
  const { signal } = held;
  const json = await loadUnpacked(repository, "snapshots", id, { signal });
  await held.ensureFresh();
  const newId = await saveUnpacked(repository, "snapshots", changeSnapshot(json, { tags, original }), { signal });
  await held.ensureFresh();
  await repository.store.delete(objectName("snapshots", id), { signal });
  return newId;
}
