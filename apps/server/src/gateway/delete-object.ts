import { type ObjectName, labelOf } from "../object-store/object-name.ts";
import { type GatewayCaller, describeCaller } from "./caller.ts";
import type { LedgerDeps } from "./deps.ts";
import { beginDeletion, cancelDeletion, endDeletion } from "./ledger.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { Refusal } from "./refusal.ts";

interface Deletion {
  readonly caller: GatewayCaller;
  readonly repositoryId: string;
  readonly object: ObjectName;
}

/**
 * Deletes an object; one that isn't there is fine. An agent may delete locks only, so that a stolen credential can't destroy history.
 * Nobody may delete a config, nor the last key: restic sends such a DELETE by itself after an upload that failed, and with either of
 * them gone nothing of the repository can be opened any more.
 */
export async function deleteObject(deps: LedgerDeps, deletion: Deletion): Promise<Refusal | "deleted"> {
  const { caller, object } = deletion;
  if (caller.kind === "agent" && object.kind !== "locks")
    return refuse(deps, deletion, "An agent may add objects and read them, and delete nothing but locks.");
  if (object.kind === "config") return refuse(deps, deletion, "A repository's config is never deleted.");
  if (object.kind === "keys") return await deleteKey(deps, deletion);
  await deleteWithRow(deps, deletion);
  return "deleted";
}

/** One key at a time in each repository, or two requests could each leave the other's key as the last and delete both. */
async function deleteKey(deps: LedgerDeps, deletion: Deletion): Promise<Refusal | "deleted"> {
  const { database, objects } = deps;
  const { repositoryId, object } = deletion;
  await beginDeletion(database, repositoryId, object);
  const isDeleted = await oneAtATime(database, repositoryId, async () => {
    const keys = new Set<string>();
    for await (const batch of objects.list(repositoryId, "keys")) for (const { name } of batch) keys.add(name);
    if (keys.has(object.name) && keys.size === 1) return false;
    await objects.delete(repositoryId, object);
    return true;
  });
  if (isDeleted) {
    await endDeletion(database, repositoryId, object);
    return "deleted";
  }
  await cancelDeletion(database, repositoryId, object);
  return refuse(deps, deletion, "This is the repository's last key: without it nothing could be opened any more.");
}

/** The row says first that a deletion has begun: cut off anywhere, it is later seen for what it is and not taken for a loss. */
async function deleteWithRow({ database, objects }: LedgerDeps, { repositoryId, object }: Deletion): Promise<void> {
  await beginDeletion(database, repositoryId, object);
  await objects.delete(repositoryId, object);
  await endDeletion(database, repositoryId, object);
}

function refuse({ log }: LedgerDeps, { caller, repositoryId, object }: Deletion, detail: string): Refusal {
  log.warn({ repositoryId, object: labelOf(object), ...describeCaller(caller) }, "refused to delete an object");
  return { status: 403, detail };
}
