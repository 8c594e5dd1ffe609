import { configName } from "../object-store/object-name.ts";
import { ObjectStorageError } from "../object-store/object-storage-error.ts";
import type { LedgerDeps } from "./deps.ts";
import { isStored, knowsObjects } from "./ledger.ts";

/**
 * Rejects with `unavailable` if the ledger knows this repository's config and the storage doesn't have it: then the storage is not the
 * one we know (a disk that isn't mounted, another bucket). To a client such a repository must not look empty or new: it would begin a
 * second one there, or prune what it can't see.
 */
export async function requireKnownStorage(
  { database, objects, log }: LedgerDeps,
  repositoryId: string,
): Promise<"begun" | "new"> {
  if (!(await knowsObjects(database, repositoryId, "config"))) return "new";
  if (await isStored(objects, repositoryId, configName)) return "begun";
  log.error({ repositoryId, storage: objects.label }, "the storage has lost this repository's config: is it mounted?");
  throw new ObjectStorageError("unavailable", `The storage doesn't have the repository ${repositoryId} any more`);
}
