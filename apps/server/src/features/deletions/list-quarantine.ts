import { hexId, type Quarantine, timestamp } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import type { Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { requireRepository } from "./require-repository.ts";

interface Row {
  readonly name: string;
  readonly stored_by_agent: string | null;
  readonly stored_at: Date;
  readonly quarantined_at: Date;
  readonly quarantined_at_text: string;
  readonly expires_at: Date;
  readonly job_id: string | null;
}

/** What can be brought back of a repository: a part of its deleted snapshots, those deleted last first, and how much besides. */
export async function listQuarantine(
  database: Kysely<Database>,
  repositoryId: string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Quarantine> {
  await requireRepository(database, repositoryId);
  const after = placeOf(cursor, timestamp, hexId);
  const { rows: found } = await sql<Row>`
    select held.name, held.stored_by_agent, held.stored_at, held.quarantined_at,
      to_char(held.quarantined_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as quarantined_at_text,
      held.quarantined_at + make_interval(days => tenants.quarantine_days) as expires_at, deletion_grants.job_id
    from quarantined_objects as held
      join tenants on tenants.id = held.tenant_id
      left join deletion_grants on deletion_grants.id = held.grant_id
    where held.repository_id = ${repositoryId} and held.kind = 'snapshots'
      and (
        ${after?.[0] ?? null}::timestamptz is null
        or (held.quarantined_at, held.name) < (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? null}::text)
      )
    order by held.quarantined_at desc, held.name desc limit ${limit + 1}`.execute(database);
  const { rows, nextCursor } = pageOf(found, limit, (row) => [row.quarantined_at_text, row.name]);
  const counts = await countQuarantined(database, repositoryId);
  return {
    snapshots: rows.map((row) => ({
      id: row.name,
      agent_id: row.stored_by_agent,
      received_at: row.stored_at.toISOString(),
      quarantined_at: row.quarantined_at.toISOString(),
      expires_at: row.expires_at.toISOString(),
      job_id: row.job_id,
    })),
    next_cursor: nextCursor,
    ...counts,
  };
}

async function countQuarantined(database: Kysely<Database>, repositoryId: string) {
  const rows = await database
    .selectFrom("quarantined_objects")
    .select((from) => ["kind", from.fn.countAll<bigint>().as("count"), from.fn.sum<bigint>("size_bytes").as("bytes")])
    .where("repository_id", "=", repositoryId)
    .groupBy("kind")
    .execute();
  const of = (kind: string) => Number(rows.find((row) => row.kind === kind)?.count ?? 0);
  const bytes = rows.reduce((sum, row) => sum + Number(row.bytes), 0);
  return { packs: of("data"), index_files: of("index"), keys: of("keys"), bytes };
}
