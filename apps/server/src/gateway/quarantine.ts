import { type Kysely, sql } from "kysely";
import type { Database } from "../database/schema.ts";
import type { DeletableName } from "../object-store/object-name.ts";
import type { ListedObject, ObjectFacts } from "../object-store/object-storage.ts";
import type { LedgerDeps } from "./deps.ts";
import { endDeletion } from "./ledger.ts";

/**
 * Deletion in three steps: the row says that it has begun, the object moves, its row moves. Cut off anywhere, it can be done again or finished by
 * reconciling. This is the first step; it also keeps a purge away from an older copy of the same object, which the move replaces.
 */
export async function beginQuarantining(
  database: Kysely<Database>,
  repositoryId: string,
  { kind, name }: DeletableName,
  grantId: string,
): Promise<void> {
  const key = { repository_id: repositoryId, kind, name };
  await database
    .updateTable("objects")
    .set({ deleting_since: sql<Date>`now()`, deleting_by_grant: grantId })
    .where((row) => row.and(key))
    .execute();
  await database
    .updateTable("quarantined_objects")
    .set({ quarantined_at: sql<Date>`now()` })
    .where((row) => row.and(key))
    .execute();
}

/** The other two steps. What is neither in the repository nor in quarantine is gone, and so is its row then. */
export async function finishQuarantining(
  { database, objects }: Pick<LedgerDeps, "database" | "objects">,
  repositoryId: string,
  object: DeletableName,
): Promise<void> {
  const moved = await objects.quarantine(repositoryId, object);
  if (moved === undefined) await endDeletion(database, repositoryId, object);
  else await moveRow(database, repositoryId, object, moved);
}

/** Without a row in the ledger, the object's facts must do. The same object deleted again later counts from then on. */
export async function moveRow(
  database: Kysely<Database>,
  repositoryId: string,
  { kind, name }: DeletableName,
  { sizeBytes, storedAt }: ObjectFacts,
): Promise<void> {
  await sql`
    with gone as (
      delete from objects where repository_id = ${repositoryId} and kind = ${kind} and name = ${name} and deleting_since is not null
      returning size_bytes, stored_at, stored_by_agent, last_verified_at, deleting_by_grant
    )
    insert into quarantined_objects as held
      (repository_id, kind, name, size_bytes, stored_at, stored_by_agent, last_verified_at, quarantined_at, grant_id)
    select ${repositoryId}, ${kind}, ${name}, ${sizeBytes}::bigint, coalesce(gone.stored_at, ${storedAt}), gone.stored_by_agent,
      gone.last_verified_at, now(), gone.deleting_by_grant
    from (select) as always left join gone on true
    on conflict (repository_id, kind, name) do update
      set stored_at = excluded.stored_at, stored_by_agent = excluded.stored_by_agent, last_verified_at = excluded.last_verified_at,
        quarantined_at = excluded.quarantined_at, grant_id = excluded.grant_id
      where exists (select from gone)`.execute(database);
}

/** Writes down what is in quarantine and has no row, as after a crash between the two: it stays as long as if it came now. Returns how many. */
export async function recordQuarantined(
  database: Kysely<Database>,
  repositoryId: string,
  kind: DeletableName["kind"],
  met: readonly ListedObject[],
): Promise<number> {
  const names = met.map(({ name }) => name);
  const sizes = met.map(({ sizeBytes }) => sizeBytes);
  const times = met.map(({ storedAt }) => storedAt);
  const { rows } = await sql`
    insert into quarantined_objects (repository_id, kind, name, size_bytes, stored_at, quarantined_at)
    select ${repositoryId}::uuid, ${kind}, met.name, met.size_bytes, met.stored_at, now()
    from unnest(${names}::text[], ${sizes}::bigint[], ${times}::timestamptz[]) as met (name, size_bytes, stored_at)
    where not exists (
      select from quarantined_objects as held
      where held.repository_id = ${repositoryId}::uuid and held.kind = ${kind} and held.name = met.name
    )
    on conflict do nothing returning name`.execute(database);
  return rows.length;
}

/**
 * Brings one object back: the object moves, then its row, in one transaction that keeps a purge away. The row has the time at which the server first
 * received the object: what came back is as old as it was. Doing it again is fine. Returns its size; nothing if there is no row of it, because it was brought
 * back or purged before; `lost` if there is a row and no object.
 */
export async function bringObjectBack(
  { database, objects }: Pick<LedgerDeps, "database" | "objects">,
  repositoryId: string,
  object: DeletableName,
): Promise<number | "lost" | undefined> {
  const key = { repository_id: repositoryId, kind: object.kind, name: object.name };
  return await database.transaction().execute(async (transaction) => {
    const held = await transaction
      .selectFrom("quarantined_objects")
      .select(["stored_at", "stored_by_agent", "last_verified_at"])
      .where((row) => row.and(key))
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) return undefined;
    const back = await objects.bringBack(repositoryId, object);
    await transaction
      .deleteFrom("quarantined_objects")
      .where((row) => row.and(key))
      .execute();
    if (back === undefined) return "lost";
    const facts = {
      ...held,
      size_bytes: back.sizeBytes,
      deleting_since: null,
      deleting_by_grant: null,
      missing_since: null,
    };
    await transaction
      .insertInto("objects")
      .values({ ...key, ...facts })
      .onConflict((conflict) => conflict.columns(["repository_id", "kind", "name"]).doUpdateSet(facts))
      .execute();
    return back.sizeBytes;
  });
}

/** Deletes one object from quarantine for good, unless it was deleted anew or brought back since `before`. Returns its size if it did. */
export async function purgeObject(
  { database, objects }: Pick<LedgerDeps, "database" | "objects">,
  repositoryId: string,
  object: DeletableName,
  before: Date,
): Promise<number | undefined> {
  const key = { repository_id: repositoryId, kind: object.kind, name: object.name };
  return await database.transaction().execute(async (transaction) => {
    const held = await transaction
      .selectFrom("quarantined_objects")
      .select("size_bytes")
      .where((row) => row.and(key))
      .where("quarantined_at", "<", before)
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) return undefined;
    await objects.purge(repositoryId, object);
    await transaction
      .deleteFrom("quarantined_objects")
      .where((row) => row.and(key))
      .execute();
    return Number(held.size_bytes);
  });
}
