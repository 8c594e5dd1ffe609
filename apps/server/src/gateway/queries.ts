import { type Kysely, sql } from "kysely";
import type { Database } from "../database/schema.ts";

export interface SnapshotObject {
  /** The snapshot's id: the SHA-256 that names its object. */
  readonly id: string;
  readonly repositoryId: string;
  readonly sizeBytes: number;
  /** When the server received it, by its own clock. */
  readonly storedAt: Date;
  /** The same with all its digits: a page of a list may end between two of one millisecond. */
  readonly storedAtText: string;
  /** The agent that stored it, if one did and it is known. */
  readonly storedByAgent: string | null;
}

interface Wanted {
  readonly repositoryId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly id?: string | undefined;
  /** Only those behind this one in the list. */
  readonly after?: readonly [storedAtText: string, id: string] | undefined;
  readonly limit: number;
}

/** Snapshots that are there, newest first. What they hold, the server can't read. */
export async function selectSnapshotObjects(
  database: Kysely<Database>,
  { repositoryId, agentId, id, after, limit }: Wanted,
): Promise<SnapshotObject[]> {
  const storedAtText = sql<string>`to_char(stored_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  let query = database
    .selectFrom("objects")
    .select(["name", "repository_id", "size_bytes", "stored_at", storedAtText.as("stored_at_text"), "stored_by_agent"])
    .where("kind", "=", "snapshots")
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .orderBy("stored_at", "desc")
    .orderBy("name", "desc")
    .limit(limit);
  if (repositoryId !== undefined) query = query.where("repository_id", "=", repositoryId);
  if (agentId !== undefined) query = query.where("stored_by_agent", "=", agentId);
  if (id !== undefined) query = query.where("name", "=", id);
  if (after !== undefined)
    query = query.where(sql<boolean>`(stored_at, name) < (${after[0]}::timestamptz, ${after[1]})`);
  const rows = await query.execute();
  return rows.map((row) => ({
    id: row.name,
    repositoryId: row.repository_id,
    sizeBytes: Number(row.size_bytes),
    storedAt: row.stored_at,
    storedAtText: row.stored_at_text,
    storedByAgent: row.stored_by_agent,
  }));
}

/** How many snapshots a repository has. */
export async function countSnapshots(database: Kysely<Database>, repositoryId: string): Promise<number> {
  const { count } = await database
    .selectFrom("objects")
    .select((from) => from.fn.countAll<bigint>().as("count"))
    .where("repository_id", "=", repositoryId)
    .where("kind", "=", "snapshots")
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export interface StorageStats {
  /** Bytes and number of all objects of all repositories. */
  readonly storedBytes: number;
  readonly objects: number;
  readonly snapshots: number;
  /** Objects that are gone though nobody deleted them. */
  readonly lostObjects: number;
  /** What was deleted and can be brought back. */
  readonly quarantinedBytes: number;
  readonly quarantinedObjects: number;
}

/** The sums for the statistics and metrics. Cheap: bytes and objects are kept up to date, the rest has small indexes. */
export async function storageStats(database: Kysely<Database>): Promise<StorageStats> {
  const { rows } = await sql<{
    bytes: string;
    objects: string;
    snapshots: string;
    lost: string;
    held_bytes: string;
    held: string;
  }>`select
    (select coalesce(sum(stored_bytes), 0)::text from repository_usage) as bytes,
    (select coalesce(sum(object_count), 0)::text from repository_usage) as objects,
    (select count(*)::text from objects
      where kind = 'snapshots' and deleting_since is null and missing_since is null) as snapshots,
    (select count(*)::text from objects where missing_since is not null) as lost,
    (select coalesce(sum(size_bytes), 0)::text from quarantined_objects) as held_bytes,
    (select count(*)::text from quarantined_objects) as held`.execute(database);
  const [row] = rows;
  return {
    storedBytes: Number(row?.bytes ?? 0),
    objects: Number(row?.objects ?? 0),
    snapshots: Number(row?.snapshots ?? 0),
    lostObjects: Number(row?.lost ?? 0),
    quarantinedBytes: Number(row?.held_bytes ?? 0),
    quarantinedObjects: Number(row?.held ?? 0),
  };
}

/** When the server received the newest snapshot of each repository that has any. */
export async function newestSnapshots(database: Kysely<Database>): Promise<Map<string, Date>> {
  const rows = await database
    .selectFrom("objects")
    .select((row) => ["repository_id", row.fn.max("stored_at").as("newest")])
    .where("kind", "=", "snapshots")
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .groupBy("repository_id")
    .execute();
  return new Map(rows.map((row) => [row.repository_id, row.newest]));
}

/** The same for some repositories. */
export async function newestSnapshotsOf(
  database: Kysely<Database>,
  repositoryIds: readonly (string | null)[],
): Promise<Map<string, Date>> {
  const ids = repositoryIds.filter((id) => id !== null);
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; newest: Date }>`
    select wanted.id, found.stored_at as newest
    from unnest(${ids}::uuid[]) as wanted (id)
    cross join lateral (
      select stored_at from objects
      where repository_id = wanted.id and kind = 'snapshots' and deleting_since is null and missing_since is null
      order by stored_at desc limit 1
    ) as found`.execute(database);
  return new Map(rows.map(({ id, newest }) => [id, newest]));
}
