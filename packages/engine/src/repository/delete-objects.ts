import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import { type ObjectKind, objectName } from "../format/object-name.ts";
import type { RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";

/** As restic's connections: a deletion is a round trip. */
const deletionsAtOnce = 5;

export interface DeleteObjectsOptions extends Abortable {
  /** Before each deletion it must be held still: somebody who took it over may need what is about to go. */
  readonly lock: RepositoryLock;
  readonly onDelete?: ((done: number, total: number) => void) | undefined;
}

/** Deletes objects of one kind. The first that the store refuses ends it; deleting what is gone already is fine. */
export async function deleteObjects(
  repository: Repository,
  kind: ObjectKind,
  ids: readonly ObjectId[],
  { lock, signal, onDelete }: DeleteObjectsOptions,
): Promise<void> {
  let done = 0;
  const deleteOne = async (id: ObjectId) => {
    await lock.ensureFresh();
    try {
      await repository.store.delete(objectName(kind, id), { signal });
    } catch (error) {
      throw isEngineError(error, "store-denied") ? deletionRefused(error) : error;
    }
  };
  for await (const _ of mapConcurrent(ids, deletionsAtOnce, deleteOne)) onDelete?.((done += 1), ids.length);
}

/** Asks the store to delete what is not there: better to hear now that nothing may be deleted than after hours of repacking. */
export async function requireDeletionAllowed(
  repository: Repository,
  options: Pick<DeleteObjectsOptions, "lock" | "signal">,
): Promise<void> {
  const nobody = objectIdFromBytes(repository.compute.primitives.randomBytes(32));
  await deleteObjects(repository, "index", [nobody], options);
}

function deletionRefused(cause: EngineError): EngineError {
  return new EngineError("store-denied", `The store refuses to delete: ${cause.message}`, {
    cause,
    hint:
      "What this machine may do alone never removes a backup. It takes the server's order, an administrator's grant, or, for a storage of your own, a credential that " +
      "may delete.",
  });
}
