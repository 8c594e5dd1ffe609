import { type EngineError, isEngineError } from "../../errors/engine-error.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import { objectName } from "../../format/object-name.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import type { RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import type { FailedRemoval, ForgetProgress } from "./forget-request.ts";

/** A deletion is one small request: its cost is the round trip. */
const removalsAtOnce = 16;

/** A store that failed so often in a row, each time after all the patience of its own, is gone or lets nobody delete: the rest is not tried. */
const failuresInARowMax = 2 * removalsAtOnce;

/**
 * Removes snapshot files under an exclusive lock. A deletion that fails does not keep the others from being tried, and is among the answer's `failed`.
 * Rejects only when the lock is lost or the caller's signal aborts.
 */
export async function removeSnapshots(
  { store }: Repository,
  snapshots: readonly StoredSnapshot[],
  { held, onProgress }: { held: RepositoryLock; onProgress?: ((progress: ForgetProgress) => void) | undefined },
): Promise<{ removed: StoredSnapshot[]; failed: FailedRemoval[] }> {
  const removed: StoredSnapshot[] = [];
  const failed: FailedRemoval[] = [];
  let failuresInARow = 0;
  let gaveUp: EngineError | undefined;

  const remove = async (snapshot: StoredSnapshot): Promise<void> => {
    await held.ensureFresh();
    if (gaveUp) {
      failed.push({ snapshot, error: gaveUp });
      return;
    }
    try {
      await store.delete(objectName("snapshots", snapshot.id), { signal: held.signal });
      removed.push(snapshot);
      failuresInARow = 0;
    } catch (error) {
      held.signal.throwIfAborted();
      if (!isEngineError(error)) throw error;
      failuresInARow += 1;
      if (failuresInARow >= failuresInARowMax) gaveUp = error;
      failed.push({ snapshot, error });
    }
  };

  for await (const _ of mapConcurrent(snapshots, removalsAtOnce, remove))
    onProgress?.({ removed: removed.length, failed: failed.length, total: snapshots.length });
  return { removed, failed };
}
