import {
  type Job,
  isDeleting,
  isFinal,
  type JobKind,
  jobState,
  type JobState,
  type LogLine,
  type Order,
  timestamp,
  uuid,
} from "@saveos/contract";
import { type Kysely, type RawBuilder, type Selectable, sql } from "kysely";
import { z } from "zod";
import type { Database, JobsTable } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

const finalStates = jobState.options.filter(isFinal);

export async function findJob(database: Kysely<Database>, jobId: string): Promise<Selectable<JobsTable> | undefined> {
  return await database.selectFrom("jobs").selectAll().where("id", "=", jobId).executeTakeFirst();
}

export interface JobFilter {
  readonly agent_id?: string | undefined;
  readonly plan_id?: string | undefined;
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A part of the jobs, newest first. */
export async function listJobs(
  database: Kysely<Database>,
  { cursor, limit, ...wanted }: JobFilter,
): Promise<{ jobs: Job[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("jobs")
    .selectAll()
    .orderBy("requested_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
  for (const column of ["agent_id", "plan_id", "kind", "state"] as const) {
    const value = wanted[column];
    if (value !== undefined) query = query.where(column, "=", value);
  }
  if (after !== undefined) {
    query = query.where(sql<boolean>`(requested_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  }
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.requested_at.toISOString(), row.id]);
  return { jobs: rows.map(toJob), next_cursor: nextCursor };
}

/** A part of a job's log, oldest line first. */
export async function listLog(
  database: Kysely<Database>,
  jobId: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ lines: LogLine[]; next_cursor: string | null }> {
  const after = placeOf(cursor, z.int(), z.int());
  let query = database
    .selectFrom("job_log_lines")
    .select(["sequence", "place", "at", "level", "text"])
    .where("job_id", "=", jobId)
    .orderBy("sequence")
    .orderBy("place")
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(sql<boolean>`(sequence, place) > (${after[0]}::bigint, ${after[1]}::int)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [Number(row.sequence), row.place]);
  return { lines: rows.map(({ at, level, text }) => ({ at: at.toISOString(), level, text })), next_cursor: nextCursor };
}

export async function countPending(database: Kysely<Database>, agentId: string): Promise<number> {
  const { count } = await database
    .selectFrom("jobs")
    .select((from) => from.fn.countAll<bigint>().as("count"))
    .where("agent_id", "=", agentId)
    .where("state", "=", "pending")
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Whether any job waits for an agent, as a part of another statement: one that asks both costs half of two. */
export function hasPendingJobs(agentId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`exists (select from jobs where agent_id = ${agentId} and state = 'pending')`;
}

export type PendingJob = Pick<Selectable<JobsTable>, "id" | "order" | "delivered_at" | "delivered_session_id">;

/** The jobs that wait for an agent and may begin, oldest first. */
export async function selectPending(database: Kysely<Database>, agentId: string, now: Date): Promise<PendingJob[]> {
  return await database
    .selectFrom("jobs")
    .select(["id", "order", "delivered_at", "delivered_session_id"])
    .where("agent_id", "=", agentId)
    .where("state", "=", "pending")
    .where((job) => job.or([job("not_before", "is", null), job("not_before", "<=", now)]))
    .orderBy("requested_at")
    .orderBy("id")
    .execute();
}

/** Which of `jobIds` the agent should not run: those that have ended, and those that were never its own. */
export async function selectEnded(
  database: Kysely<Database>,
  agentId: string,
  jobIds: readonly string[],
): Promise<string[]> {
  if (jobIds.length === 0) return [];
  const live = await database
    .selectFrom("jobs")
    .select("id")
    .where("agent_id", "=", agentId)
    .where("id", "in", jobIds)
    .where("state", "not in", finalStates)
    .execute();
  return jobIds.filter((id) => !live.some((job) => job.id === id));
}

/** The job with which an agent runs a plan now, or is about to; or another kind of job that a plan has on it. */
export async function unfinishedJobOfPlan(
  database: Kysely<Database>,
  planId: string,
  agentId: string,
  kind: JobKind = "backup",
): Promise<Pick<Selectable<JobsTable>, "id" | "state"> | undefined> {
  return await database
    .selectFrom("jobs")
    .select(["id", "state"])
    .where("plan_id", "=", planId)
    .where("agent_id", "=", agentId)
    .where("kind", "=", kind)
    .where("state", "in", ["pending", "running"])
    .executeTakeFirst();
}

/** What an agent was told to do with a repository that isn't its own, and hasn't ended yet: restore from it, or look after it. */
export async function workOn(
  database: Kysely<Database>,
  agentId: string,
  repositoryId: string,
): Promise<"restore" | "maintenance" | undefined> {
  const jobs = await database
    .selectFrom("jobs")
    .select("kind")
    .distinct()
    .where("agent_id", "=", agentId)
    .where("repository_id", "=", repositoryId)
    .where("state", "in", ["pending", "running"])
    .execute();
  if (jobs.some(({ kind }) => isDeleting(kind))) return "maintenance";
  return jobs.some(({ kind }) => kind === "restore") ? "restore" : undefined;
}

/** How many jobs of each kind are in each state. */
export async function countJobs(
  database: Kysely<Database>,
): Promise<{ readonly kind: JobKind; readonly state: JobState; readonly count: number }[]> {
  const rows = await database
    .selectFrom("jobs")
    .select((from) => ["kind", "state", from.fn.countAll<bigint>().as("count")])
    .groupBy(["kind", "state"])
    .execute();
  return rows.map(({ count, ...of }) => ({ ...of, count: Number(count) }));
}

/** The order of a job, as its agent gets it. One that deletes needs a grant. */
export function toOrder({ id, order }: Pick<PendingJob, "id" | "order">, grant: string | null): Order {
  switch (order.kind) {
    case "forget":
    case "prune":
    case "repair":
      return { ...order, job_id: id, grant };
    case "backup":
    case "restore":
    case "check":
      return { ...order, job_id: id };
  }
}

/** A row as the API shows it. */
export function toJob(row: Selectable<JobsTable>): Job {
  return {
    id: row.id,
    agent_id: row.agent_id,
    kind: row.kind,
    state: row.state,
    plan_id: row.plan_id,
    due_at: row.due_at?.toISOString() ?? null,
    requested_at: row.requested_at.toISOString(),
    requested_by: row.requested_by,
    attempt: row.attempt,
    retry_of: row.retry_of,
    not_before: row.not_before?.toISOString() ?? null,
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    progress: row.progress,
    summary: row.summary,
    reason: row.reason,
    error: row.error,
    unreadable: row.unreadable,
  };
}
