import { type Job, isFinal, jobState, type Order } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Database, JobsTable } from "../../database/schema.ts";

const finalStates = jobState.options.filter(isFinal);

export async function findJob(database: Kysely<Database>, jobId: string): Promise<Selectable<JobsTable> | undefined> {
  return await database.selectFrom("jobs").selectAll().where("id", "=", jobId).executeTakeFirst();
}

/** Newest first; those before the job `before` in that order, if it is given. */
export async function selectJobs(
  database: Kysely<Database>,
  { agentId, before, limit }: { agentId?: string | undefined; before?: string | undefined; limit: number },
): Promise<Selectable<JobsTable>[]> {
  let query = database
    .selectFrom("jobs")
    .selectAll()
    .orderBy("requested_at", "desc")
    .orderBy("id", "desc")
    .limit(limit);
  if (agentId !== undefined) query = query.where("agent_id", "=", agentId);
  if (before !== undefined) {
    query = query.where(sql<boolean>`(requested_at, id) < (select requested_at, id from jobs where id = ${before})`);
  }
  return await query.execute();
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

export type PendingJob = Pick<Selectable<JobsTable>, "id" | "order" | "delivered_at" | "delivered_session_id">;

/** The jobs that wait for an agent, oldest first. */
export async function selectPending(database: Kysely<Database>, agentId: string): Promise<PendingJob[]> {
  return await database
    .selectFrom("jobs")
    .select(["id", "order", "delivered_at", "delivered_session_id"])
    .where("agent_id", "=", agentId)
    .where("state", "=", "pending")
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

/** How many jobs are in each state. */
export async function countByState(database: Kysely<Database>): Promise<Map<Job["state"], number>> {
  const rows = await database
    .selectFrom("jobs")
    .select((from) => ["state", from.fn.countAll<bigint>().as("count")])
    .groupBy("state")
    .execute();
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

export function toOrder({ id, order }: Pick<PendingJob, "id" | "order">): Order {
  return { ...order, job_id: id };
}

/** A row as the API shows it. */
export function toJob(row: Selectable<JobsTable>): Job {
  return {
    id: row.id,
    agent_id: row.agent_id,
    kind: row.kind,
    state: row.state,
    requested_at: row.requested_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    progress: row.progress,
    summary: row.summary,
    reason: row.reason,
  };
}
