import type { GatewayCaller } from "./caller.ts";
import type { LedgerDeps } from "./deps.ts";
import { requireKnownStorage } from "./require-known-storage.ts";

/**
 * Makes the place for a repository; one that is there stays as it is. An administrator may begin a new repository under any UUID, so that
 * stock restic can `init` one; an agent's was given to it when it enrolled. False if the caller can't have it.
 */
export async function createRepository(
  deps: LedgerDeps,
  { caller, repositoryId }: { readonly caller: GatewayCaller; readonly repositoryId: string },
): Promise<boolean> {
  if (caller.kind === "administrator")
    await deps.database
      .insertInto("repositories")
      .values({ id: repositoryId, max_bytes: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  // It may be another tenant's.
  if (!(await repositoryExists(deps, repositoryId))) return false;
  await requireKnownStorage(deps, repositoryId);
  await deps.objects.createRepository(repositoryId);
  return true;
}

/** Whether the server has such a repository. */
export async function repositoryExists({ database }: LedgerDeps, repositoryId: string): Promise<boolean> {
  const row = await database.selectFrom("repositories").select("id").where("id", "=", repositoryId).executeTakeFirst();
  return row !== undefined;
}
