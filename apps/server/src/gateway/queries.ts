import { type Kysely, sql } from "kysely";
import type { Database } from "../database/schema.ts";

export interface SnapshotObject {
  /** The snapshot's id: the SHA-256 that names its object. */
  readonly id: string;
  readonly sizeBytes: number;
  /** When the server received it, by its own clock. */
  readonly storedAt: Date;
  /** The agent that stored it, if one did and it is known. */
  readonly storedByAgent: string | null;
}

/** The snapshots of a repository that are there, newest first. What they hold, the server can't read. */
export async function listSnapshotObjects(database: Kysely<Database>, repositoryId: string): Promise<SnapshotObject[]> {
  const rows = await database
    .selectFrom("objects")
    .select(["name", "size_bytes", "stored_at", "stored_by_agent"])
    .where((row) => row.and({ repository_id: repositoryId, kind: "snapshots" }))
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .orderBy("stored_at", "desc")
    .orderBy("name")
    .execute();
  return rows.map((row) => ({
    id: row.name,
    sizeBytes: Number(row.size_bytes),
    storedAt: row.stored_at,
    storedByAgent: row.stored_by_agent,
  }));
}

export interface StorageStats {
  /** Bytes and number of all objects of all repositories. */
  readonly storedBytes: number;
  readonly objects: number;
  readonly snapshots: number;
  /** Objects that are gone though nobody deleted them. */
  readonly lostObjects: number;
}

/** The sums for the statistics and metrics. Cheap: bytes and objects are kept up to date, the rest has small indexes. */
export async function storageStats(database: Kysely<Database>): Promise<StorageStats> {
  const { rows } = await sql<{ bytes: string; objects: string; snapshots: string; lost: string }>`select
    (select coalesce(sum(stored_bytes), 0)::text from repository_usage) as bytes,
    (select coalesce(sum(object_count), 0)::text from repository_usage) as objects,
    (select count(*)::text from objects
      where kind = 'snapshots' and deleting_since is null and missing_since is null) as snapshots,
    (select count(*)::text from objects where missing_since is not null) as lost`.execute(database);
  const [row] = rows;
  return {
    storedBytes: Number(row?.bytes ?? 0),
    objects: Number(row?.objects ?? 0),
    snapshots: Number(row?.snapshots ?? 0),
    lostObjects: Number(row?.lost ?? 0),
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
