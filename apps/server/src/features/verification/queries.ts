import { type Finding, type FindingKind, type FindingState, timestamp, uuid } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database, VerificationFindingsTable } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { unverifiedSince } from "./claim-objects.ts";
import { dueAfterMs, verifyWithinMs } from "./speed.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** How much of what is stored was verified, of a tenant or of one repository. */
export interface Amounts {
  readonly total_bytes: number;
  readonly total_objects: number;
  readonly verified_bytes: number;
  readonly due_bytes: number;
  readonly oldest_age_seconds: number | null;
  readonly findings: { suspected: number; found: number; repairing: number; lost: number };
}

/** Cheap while verification keeps up: the sums are kept, and what is due is found by index. */
export async function selectAmounts({ database, clock }: Deps, repositoryId?: string): Promise<Amounts> {
  const nowMs = clock.now().getTime();
  const [dueBefore, lateBefore] = [new Date(nowMs - dueAfterMs), new Date(nowMs - verifyWithinMs)];
  const ofRepository = repositoryId === undefined ? sql`` : sql`and repository_id = ${repositoryId}`;
  const inTurn = sql`deleting_since is null and missing_since is null and damaged_since is null ${ofRepository}`;
  const { rows } = await sql<{
    bytes: bigint;
    objects: bigint;
    due: bigint;
    late: bigint;
    bad: bigint;
    oldest: Date | null;
  }>`select
    (select coalesce(sum(stored_bytes), 0) from repository_usage where true ${ofRepository})::bigint as bytes,
    (select coalesce(sum(object_count), 0) from repository_usage where true ${ofRepository})::bigint as objects,
    (select coalesce(sum(size_bytes), 0) from objects where ${inTurn} and ${unverifiedSince} < ${dueBefore})::bigint as due,
    (select coalesce(sum(size_bytes), 0) from objects where ${inTurn} and ${unverifiedSince} < ${lateBefore})::bigint as late,
    (select coalesce(sum(size_bytes), 0) from verification_findings where next_reading_at is not null ${ofRepository})::bigint as bad,
    (select ${unverifiedSince} from objects where ${inTurn} order by ${unverifiedSince} limit 1) as oldest`.execute(
    database,
  );
  const [row] = rows;
  const [total, late, bad] = [Number(row?.bytes ?? 0), Number(row?.late ?? 0), Number(row?.bad ?? 0)];
  const oldest = row?.oldest ?? null;
  return {
    total_bytes: total,
    total_objects: Number(row?.objects ?? 0),
    verified_bytes: Math.max(0, total - late - bad),
    due_bytes: Number(row?.due ?? 0),
    oldest_age_seconds: oldest === null ? null : Math.max(0, Math.round((nowMs - oldest.getTime()) / 1000)),
    findings: await countFindings(database, repositoryId),
  };
}

/** Open findings by their state. */
async function countFindings(database: Kysely<Database>, repositoryId?: string): Promise<Amounts["findings"]> {
  let query = database
    .selectFrom("verification_findings")
    .select((from) => ["state", from.fn.countAll<bigint>().as("count")])
    .where("next_reading_at", "is not", null)
    .groupBy("state");
  if (repositoryId !== undefined) query = query.where("repository_id", "=", repositoryId);
  const counts = new Map((await query.execute()).map(({ state, count }) => [state, Number(count)]));
  const of = (state: FindingState) => counts.get(state) ?? 0;
  return { suspected: of("suspected"), found: of("found"), repairing: of("repairing"), lost: of("lost") };
}

/** The speed at which workers read lately: of the newest hour of the last day in which they read. Nothing if they didn't. */
export async function selectSpeed({ database, clock }: Deps): Promise<number | null> {
  const sinceMs = clock.now().getTime() - 24 * 60 * 60 * 1000;
  const row = await database
    .selectFrom("verification_hours")
    .select(["read_bytes", "reading_ms"])
    .where("hour", ">=", new Date(sinceMs))
    .where("reading_ms", ">", 0n)
    .orderBy("hour", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : Math.round((Number(row.read_bytes) * 1000) / Number(row.reading_ms));
}

export interface FindingFilter {
  readonly repository_id?: string | undefined;
  readonly state?: FindingState | undefined;
  readonly what?: FindingKind | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A part of the findings, newest first. */
export async function listFindings(
  database: Kysely<Database>,
  { cursor, limit, ...wanted }: FindingFilter,
): Promise<{ findings: Finding[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("verification_findings")
    .selectAll()
    .orderBy("found_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
  for (const column of ["repository_id", "state", "what"] as const) {
    const value = wanted[column];
    if (value !== undefined) query = query.where(column, "=", value);
  }
  if (after !== undefined)
    query = query.where(sql<boolean>`(found_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.found_at.toISOString(), row.id]);
  return { findings: rows.map(toFinding), next_cursor: nextCursor };
}

export async function findFinding(database: Kysely<Database>, id: string): Promise<Finding | undefined> {
  const row = await database.selectFrom("verification_findings").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toFinding(row);
}

function toFinding(row: Selectable<VerificationFindingsTable>): Finding {
  return {
    id: row.id,
    repository_id: row.repository_id,
    kind: row.kind,
    name: row.name,
    size_bytes: Number(row.size_bytes),
    what: row.what,
    state: row.state,
    detail: row.detail,
    found_at: row.found_at.toISOString(),
    changed_at: row.changed_at.toISOString(),
    job_id: row.job_id,
    snapshots_at_risk: row.snapshots_at_risk,
  };
}
