import { type Kysely, type Selectable, sql } from "kysely";
import type { Databases } from "../database/databases.ts";
import type { Database } from "../database/schema.ts";
import {
  type HashedKind,
  type ObjectKind,
  configName,
  hashedKinds,
  isDeletable,
  isDeletableKind,
} from "../object-store/object-name.ts";
import { isObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ListedObject } from "../object-store/object-storage.ts";
import type { LedgerDeps } from "./deps.ts";
import { endDeletion, isStored, nameOf, recordMet } from "./ledger.ts";
import { moveRow, recordQuarantined } from "./quarantine.ts";
import type { ObjectsTable } from "./schema.ts";
import { requireKnownStorage } from "./require-known-storage.ts";

export interface Reconciled {
  /** Objects without a row, which have one now. */
  readonly added: number;
  /** Rows of deletions that were cut off, and are now finished or called off. */
  readonly settledDeletions: number;
  /** Objects newly found to be gone that nobody deleted: a loss, which is logged as an error. */
  readonly lost: number;
  /** Objects that were lost and are back. */
  readonly found: number;
  /** Objects in quarantine without a row, which have one now. */
  readonly quarantined: number;
  /** What cut-off uploads left in the storage, now removed. */
  readonly removedUploads: number;
}

/** An upload that is still running has written to its temporary file more lately than this. */
const abandonedAfterMs = 24 * 3_600_000;

/** A deletion that began longer ago was cut off; a younger one may be about to happen and is left to itself. */
const deletionMaxMs = 3_600_000;

/** Rows read at once: a ledger may have millions. */
const rowsAtOnce = 5000;

/**
 * Compares the ledger of one repository with its storage and makes the two agree again after a crash. Nothing is changed if the storage
 * doesn't look like the one that we know. It may run while the repository is used: whatever it finds, it confirms object by object.
 */
export async function reconcileLedger(deps: LedgerDeps, repositoryId: string): Promise<Reconciled> {
  const total = { added: 0, settledDeletions: 0, lost: 0, found: 0, quarantined: 0, removedUploads: 0 };
  if ((await requireKnownStorage(deps, repositoryId)) === "new" && !(await isBegun(deps, repositoryId))) return total;
  for (const kind of [...hashedKinds, "config"] as const) {
    const stored = new Set<string>();
    const quarantined = new Map<string, ListedObject>();
    for await (const batch of listQuarantined(deps, repositoryId, kind))
      for (const object of batch) quarantined.set(object.name, object);
    for await (const batch of listKind(deps, repositoryId, kind)) {
      for (const { name } of batch) stored.add(name);
      total.added += await recordMet(deps, repositoryId, kind, batch);
    }
    for await (const rows of ledgerRows(deps.database, repositoryId, kind)) {
      for (const row of rows) {
        const [wasListed, held] = [stored.has(row.name), quarantined.get(row.name)];
        const change = await reconcileRow(deps, { repositoryId, kind, row, wasListed, held });
        if (change !== undefined) total[change] += 1;
      }
    }
    if (isDeletableKind(kind))
      total.quarantined += await recordQuarantined(deps.database, repositoryId, kind, [...quarantined.values()]);
  }
  const before = new Date(Date.now() - abandonedAfterMs);
  total.removedUploads = await deps.objects.removeAbandonedUploads(repositoryId, before);
  return total;
}

/** Reconciles every repository of every tenant, one after another. A repository that can't be is logged and passed over. */
export async function reconcileLedgers({
  databases,
  ...deps
}: Omit<LedgerDeps, "database"> & { readonly databases: Databases }): Promise<void> {
  for (const tenantId of await databases.tenantIds()) {
    await reconcileTenant({ ...deps, database: databases.ofTenant(tenantId) });
  }
}

async function reconcileTenant(deps: LedgerDeps): Promise<void> {
  const repositories = await deps.database.selectFrom("repositories").select("id").orderBy("id").execute();
  for (const { id: repositoryId } of repositories) {
    try {
      const reconciled = await reconcileLedger(deps, repositoryId);
      if (Object.values(reconciled).some((count) => count > 0))
        deps.log.info({ repositoryId, ...reconciled }, "reconciled the ledger with the storage");
    } catch (error) {
      deps.log.error({ err: error, repositoryId }, "could not reconcile the ledger with the storage");
    }
  }
}

/** An upload that was cut off before its row may have been the config's. */
async function isBegun({ objects }: LedgerDeps, repositoryId: string): Promise<boolean> {
  return await isStored(objects, repositoryId, configName);
}

async function* listKind({ objects }: LedgerDeps, repositoryId: string, kind: ObjectKind) {
  if (kind === "config") {
    yield [{ name: configName.name, ...(await objects.stat(repositoryId, configName)) }];
    return;
  }
  yield* listIfThere(objects, repositoryId, kind);
}

async function* listQuarantined({ objects }: LedgerDeps, repositoryId: string, kind: ObjectKind) {
  if (isDeletableKind(kind)) yield* objects.listQuarantine(repositoryId, kind);
}

/** A kind without a folder has no objects; its rows, if it has any, will be found lost one by one. */
async function* listIfThere(objects: LedgerDeps["objects"], repositoryId: string, kind: HashedKind) {
  try {
    yield* objects.list(repositoryId, kind);
  } catch (error) {
    if (!isObjectStorageError(error, "not-found")) throw error;
  }
}

interface Row {
  readonly name: string;
  readonly deleting_since: Date | null;
  readonly missing_since: Date | null;
}

async function* ledgerRows(
  database: Kysely<Database>,
  repositoryId: string,
  kind: ObjectKind,
): AsyncGenerator<readonly Row[]> {
  let after = "";
  for (;;) {
    const rows = await database
      .selectFrom("objects")
      .select(["name", "deleting_since", "missing_since"])
      .where((row) => row.and({ repository_id: repositoryId, kind }))
      .where("name", ">", after)
      .orderBy("name")
      .limit(rowsAtOnce)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.name;
  }
}

interface RowAt {
  readonly repositoryId: string;
  readonly kind: ObjectKind;
  readonly row: Row;
  readonly wasListed: boolean;
  /** What was found in quarantine under the same name. */
  readonly held: ListedObject | undefined;
}

/** What was wrong with a row and is right now, if anything was. */
async function reconcileRow(
  { database, objects, log }: LedgerDeps,
  { repositoryId, kind, row, wasListed, held }: RowAt,
): Promise<"settledDeletions" | "lost" | "found" | undefined> {
  if (wasListed && row.deleting_since === null && row.missing_since === null) return undefined;
  if (!wasListed && row.missing_since !== null) return undefined;
  // Since the list was made, the object may have been stored or deleted: what holds is what is there now.
  const isThere = await isStored(objects, repositoryId, nameOf(kind, row.name));
  const key = { repository_id: repositoryId, kind, name: row.name };
  if (row.deleting_since !== null)
    return (await settleDeletion(database, key, isThere, held)) ? "settledDeletions" : undefined;
  if (isThere) return (await clearMissing(database, key)) ? "found" : undefined;
  if (!(await markMissing(database, key))) return undefined;
  log.error({ repositoryId, kind, name: row.name }, "an object is gone from the storage that nobody deleted");
  return "lost";
}

type Key = Pick<Selectable<ObjectsTable>, "repository_id" | "kind" | "name">;

/**
 * A deletion that was cut off: the object is gone, so its row goes after it, to quarantine or for good; or it is still there, and the deletion is called off. One
 * that began lately may be going on and is left to itself.
 */
async function settleDeletion(
  database: Kysely<Database>,
  key: Key,
  isThere: boolean,
  held: ListedObject | undefined,
): Promise<boolean> {
  const stale = sql<boolean>`deleting_since < now() - ${deletionMaxMs} * interval '1 millisecond'`;
  const row = await database
    .selectFrom("objects")
    .select("name")
    .where((found) => found.and(key))
    .where(stale)
    .executeTakeFirst();
  if (row === undefined) return false;
  const object = nameOf(key.kind, key.name);
  if (isThere)
    await database
      .updateTable("objects")
      .set({ deleting_since: null, deleting_by_grant: null })
      .where((found) => found.and(key))
      .where(stale)
      .execute();
  else if (held !== undefined && isDeletable(object)) await moveRow(database, key.repository_id, object, held);
  else await endDeletion(database, key.repository_id, object);
  return true;
}

async function clearMissing(database: Kysely<Database>, key: Key): Promise<boolean> {
  const cleared = await database
    .updateTable("objects")
    .set({ missing_since: null })
    .where((row) => row.and(key))
    .where("missing_since", "is not", null)
    .executeTakeFirst();
  return cleared.numUpdatedRows > 0n;
}

async function markMissing(database: Kysely<Database>, key: Key): Promise<boolean> {
  const marked = await database
    .updateTable("objects")
    .set({ missing_since: sql<Date>`now()` })
    .where((row) => row.and(key))
    .where("deleting_since", "is", null)
    .executeTakeFirst();
  return marked.numUpdatedRows > 0n;
}
