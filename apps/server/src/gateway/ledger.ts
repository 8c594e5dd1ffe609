import { type Kysely, sql } from "kysely";
import type { Database } from "../database/schema.ts";
import type { ObjectKind, ObjectName } from "../object-store/object-name.ts";
import { isObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ListedObject } from "../object-store/object-storage.ts";
import type { LedgerDeps } from "./deps.ts";

/** Writes down an object that was just stored, and was compared with its name on the way. The config's hash is its first: later ones are compared with it. */
export async function recordUpload(
  database: Kysely<Database>,
  upload: {
    readonly repositoryId: string;
    readonly object: ObjectName;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly byAgent: string | null;
  },
): Promise<void> {
  const now = sql<Date>`now()`;
  const facts = {
    size_bytes: BigInt(upload.sizeBytes),
    stored_at: now,
    stored_by_agent: upload.byAgent,
    last_verified_at: now,
    deleting_since: null,
    deleting_by_grant: null,
    missing_since: null,
    sha256: upload.object.kind === "config" ? upload.sha256 : null,
    verify_after: null,
    damaged_since: null,
  };
  await database
    .insertInto("objects")
    .values({ repository_id: upload.repositoryId, kind: upload.object.kind, name: upload.object.name, ...facts })
    .onConflict((conflict) => conflict.columns(["repository_id", "kind", "name"]).doUpdateSet(facts))
    .execute();
}

/**
 * Writes down objects that were met in the storage and have no row: an upload was cut off between the two, or somebody put them there.
 * The time is the storage's. It is a courtesy to the ledger, so a failure is logged and never keeps an object from its reader.
 */
export async function recordMet(
  { database, objects, log }: LedgerDeps,
  repositoryId: string,
  kind: ObjectKind,
  met: readonly ListedObject[],
): Promise<number> {
  if (met.length === 0) return 0;
  try {
    const added = await insertMet(database, repositoryId, kind, met);
    // A deletion may have removed an object, and the row that it had not, between its listing and our insert.
    for (const name of added) {
      const object = nameOf(kind, name);
      if (!(await isStored(objects, repositoryId, object))) await forgetRow(database, repositoryId, object);
    }
    if (added.length > 0) log.warn({ repositoryId, kind, added: added.length }, "wrote missing rows into the ledger");
    return added.length;
  } catch (error) {
    log.error({ err: error, repositoryId, kind }, "could not write missing rows into the ledger");
    return 0;
  }
}

/** Arrays instead of rows: PostgreSQL takes at most 65,535 parameters. */
async function insertMet(
  database: Kysely<Database>,
  repositoryId: string,
  kind: ObjectKind,
  met: readonly ListedObject[],
): Promise<string[]> {
  const names = met.map(({ name }) => name);
  const sizes = met.map(({ sizeBytes }) => sizeBytes);
  const times = met.map(({ storedAt }) => storedAt);
  const { rows } = await sql<{ name: string }>`
    insert into objects (repository_id, kind, name, size_bytes, stored_at)
    select ${repositoryId}::uuid, ${kind}, met.name, met.size_bytes, met.stored_at
    from unnest(${names}::text[], ${sizes}::bigint[], ${times}::timestamptz[]) as met (name, size_bytes, stored_at)
    where not exists (
      select from objects where repository_id = ${repositoryId}::uuid and kind = ${kind} and objects.name = met.name
    )
    on conflict do nothing returning name`.execute(database);
  return rows.map(({ name }) => name);
}

/** Says that an object is about to be deleted: a deletion that is cut off must not look like a loss. */
export async function beginDeletion(
  database: Kysely<Database>,
  repositoryId: string,
  { kind, name }: ObjectName,
): Promise<void> {
  await database
    .updateTable("objects")
    .set({ deleting_since: sql<Date>`now()` })
    .where((row) => row.and({ repository_id: repositoryId, kind, name }))
    .execute();
}

/** Removes the row of a deleted object, unless the object was stored again meanwhile. */
export async function endDeletion(
  database: Kysely<Database>,
  repositoryId: string,
  { kind, name }: ObjectName,
): Promise<void> {
  await database
    .deleteFrom("objects")
    .where((row) => row.and({ repository_id: repositoryId, kind, name }))
    .where("deleting_since", "is not", null)
    .execute();
}

async function forgetRow(database: Kysely<Database>, repositoryId: string, { kind, name }: ObjectName): Promise<void> {
  await database
    .deleteFrom("objects")
    .where((row) => row.and({ repository_id: repositoryId, kind, name }))
    .execute();
}

/** Whether the ledger has objects of this kind that nobody deleted. */
export async function knowsObjects(
  database: Kysely<Database>,
  repositoryId: string,
  kind: ObjectKind,
): Promise<boolean> {
  const row = await database
    .selectFrom("objects")
    .select("name")
    .where((found) => found.and({ repository_id: repositoryId, kind }))
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function isStored(
  objects: LedgerDeps["objects"],
  repositoryId: string,
  object: ObjectName,
): Promise<boolean> {
  try {
    await objects.stat(repositoryId, object);
    return true;
  } catch (error) {
    if (isObjectStorageError(error, "not-found")) return false;
    throw error;
  }
}

/** A row's object. */
export function nameOf(kind: ObjectKind, name: string): ObjectName {
  return kind === "config" ? { kind, name: "config" } : { kind, name };
}
