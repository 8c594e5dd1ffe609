import { type Repository, timestamp, uuid } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import { type Kysely, sql } from "kysely";
import { z } from "zod";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { notFound } from "../../http/problem.ts";
import { actorOf, recordAudit } from "../audit/index.ts";

interface Filter {
  readonly id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

interface Row {
  readonly id: string;
  readonly created_at: Date;
  readonly created_at_text: string;
  readonly max_bytes: bigint | null;
  readonly stored_bytes: bigint;
  readonly objects: bigint;
  readonly snapshots: bigint;
  readonly last_snapshot_at: Date | null;
  readonly lost_objects: bigint;
  readonly quarantined_bytes: bigint;
  readonly quarantined_objects: bigint;
  readonly agent_ids: string[];
}

/** A part of the repositories, oldest first, with what is in them now. */
export async function listRepositories(
  database: Kysely<Database>,
  { id, cursor, limit }: Filter,
): Promise<{ repositories: Repository[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  const { rows: found } = await sql<Row>`
    select repositories.id, repositories.created_at, repositories.max_bytes,
      to_char(repositories.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at_text,
      coalesce(usage.stored_bytes, 0) as stored_bytes, coalesce(usage.object_count, 0) as objects,
      found.snapshots, found.last_snapshot_at, lost.lost_objects, held.quarantined_bytes, held.quarantined_objects,
      array(select agents.id::text from agents where agents.repository_id = repositories.id order by agents.id) as agent_ids
    from repositories
      left join repository_usage as usage on usage.repository_id = repositories.id
      cross join lateral (
        select count(*) as snapshots, max(stored_at) as last_snapshot_at from objects
        where objects.repository_id = repositories.id and kind = 'snapshots' and deleting_since is null and missing_since is null
      ) as found
      cross join lateral (
        select count(*) as lost_objects from objects
        where objects.repository_id = repositories.id and missing_since is not null
      ) as lost
      cross join lateral (
        select coalesce(sum(size_bytes), 0) as quarantined_bytes, count(*) as quarantined_objects from quarantined_objects
        where quarantined_objects.repository_id = repositories.id
      ) as held
    where (${id ?? null}::uuid is null or repositories.id = ${id ?? null}::uuid)
      and (
        ${after?.[0] ?? null}::timestamptz is null
        or (repositories.created_at, repositories.id) > (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? null}::uuid)
      )
    order by repositories.created_at, repositories.id limit ${limit + 1}`.execute(database);
  const { rows, nextCursor } = pageOf(found, limit, (row) => [row.created_at_text, row.id]);
  return { repositories: rows.map(toRepository), next_cursor: nextCursor };
}

export async function findRepository(database: Kysely<Database>, id: string): Promise<Repository> {
  const [found] = (await listRepositories(database, { id, limit: 1 })).repositories;
  if (found === undefined) throw notFound("repository");
  return found;
}

/** What names the part of a repository that can be changed. */
export function versionOf({ max_bytes }: Pick<Repository, "max_bytes">): string {
  return `quota-${max_bytes ?? "none"}`;
}

/** Sets the quota of a repository, or takes it away. What is stored stays, even if it is more. */
export async function changeQuota(
  { database, clock }: { database: Kysely<Database>; clock: Clock },
  { caller, request }: { caller: Operator; request: FastifyRequest },
  id: string,
  maxBytes: number | null,
): Promise<Repository> {
  return await database.transaction().execute(async (transaction) => {
    await transaction.selectFrom("repositories").select("id").where("id", "=", id).forUpdate().execute();
    const before = await findRepository(transaction, id);
    requireMatch(request, versionOf(before));
    const max_bytes = maxBytes === null ? null : BigInt(maxBytes);
    await transaction.updateTable("repositories").set({ max_bytes }).where("id", "=", id).execute();
    const details = { from: before.max_bytes, to: maxBytes };
    const subject = { kind: "repository", id };
    await recordAudit(transaction, clock, {
      by: actorOf(caller, request),
      action: "repository.changed",
      subject,
      details,
    });
    return { ...before, max_bytes: maxBytes };
  });
}

/** What the repository held at the end of each of the last days (UTC), oldest first. */
export async function listUsage(database: Kysely<Database>, id: string, days: number) {
  const { rows } = await sql<{ day: string; stored_bytes: bigint; objects: bigint; snapshots: bigint }>`
    select to_char(day, 'YYYY-MM-DD') as day, stored_bytes, object_count as objects, snapshot_count as snapshots
    from (select * from usage_days where repository_id = ${id} order by day desc limit ${days}) as latest
    order by latest.day`.execute(database);
  const row = z.object({
    day: z.string(),
    stored_bytes: z.coerce.number(),
    objects: z.coerce.number(),
    snapshots: z.coerce.number(),
  });
  return { days: rows.map((each) => row.parse(each)) };
}

function toRepository({ created_at_text: _text, ...row }: Row): Repository {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    max_bytes: row.max_bytes === null ? null : Number(row.max_bytes),
    stored_bytes: Number(row.stored_bytes),
    objects: Number(row.objects),
    snapshots: Number(row.snapshots),
    last_snapshot_at: row.last_snapshot_at?.toISOString() ?? null,
    lost_objects: Number(row.lost_objects),
    quarantined_bytes: Number(row.quarantined_bytes),
    quarantined_objects: Number(row.quarantined_objects),
    agent_ids: row.agent_ids,
  };
}
