import { isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { decodeLock, type Lock } from "../format/lock.ts";
import type { ObjectId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { isStale } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadUnpacked } from "../repository/unpacked-files.ts";

export interface UnlockRequest extends Abortable {
  /** All of them, not only those left behind: for when the person knows better. */
  readonly removeAll: boolean;
  readonly hostname: string;
  /** Asked for locks of this host only. */
  readonly isProcessGone?: ((pid: number) => boolean) | undefined;
}

/** Removes locks that were left behind (older than 30 minutes, or of a process on this host that is gone). Resolves with their number. */
export async function unlock(repository: Repository, request: UnlockRequest): Promise<number> {
  const { store, clock } = repository;
  let removed = 0;
  for await (const { id } of store.list("locks", request)) {
    const isLeftBehind = async () => {
      const lock = await readLock(repository, id, request);
      return lock !== undefined && isStale(lock, { ...request, nowNs: clock.nowNs() });
    };
    if (!request.removeAll && !(await isLeftBehind())) continue;
    await store.delete(objectName("locks", id), request);
    removed += 1;
  }
  return removed;
}

/** Undefined for a lock that can't be read: only `removeAll` removes what nobody understands. */
async function readLock(repository: Repository, id: ObjectId, options: Abortable): Promise<Lock | undefined> {
  try {
    return decodeLock(await loadUnpacked(repository, "locks", id, options));
  } catch (error) {
    if (isEngineError(error, "corrupt-data", "not-found")) return undefined;
    throw error;
  }
}
