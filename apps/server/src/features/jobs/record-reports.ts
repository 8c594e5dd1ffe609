import type { JobState, Report, ReportsResponse } from "@saveos/contract";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import { plannedOnce } from "../../database/planned-once.ts";
import type { Database } from "../../database/schema.ts";
import { publish, publishing } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { isFollowed, jobEnded } from "./job-ended.ts";
import { leaseFrom } from "./lease.ts";
import { ending, moveJobs } from "./move-job.ts";
import { retryFailedJob } from "./retry-failed-job.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

interface Reporting {
  readonly tenantId: string;
  readonly agentId: string;
}

/** More lines than a person reads; an agent that sends more is broken. */
const logLinesMax = 10_000;

/**
 * Records what an agent tells about its jobs, all or nothing. A report counts once, by its sequence; one that comes after the job has ended, or about a job that
 * isn't this agent's, changes nothing and is no error: the agent could do nothing about it and would send it for ever.
 */
export async function recordReports(deps: Deps, from: Reporting, reports: readonly Report[]): Promise<ReportsResponse> {
  const [only] = reports;
  if (reports.length === 1 && only?.kind === "progress" && (await recordProgress(deps, from, only))) {
    return { recorded: 1, ignored: 0 };
  }
  return await deps.database.transaction().execute(async (transaction) => {
    let recorded = 0;
    for (const report of reports) {
      if (await recordReport(deps, transaction, from, report)) recorded += 1;
    }
    return { recorded, ignored: reports.length - recorded };
  });
}

type ReportOf<Kind extends Report["kind"]> = Extract<Report, { kind: Kind }>;

/**
 * Records the progress of a job that runs: most requests tell only that, so it is one statement. A newer one follows within seconds, so the disk isn't waited for.
 * False, and nothing is changed, if there is anything else to it.
 */
async function recordProgress(
  { database, clock }: Deps,
  { agentId }: Reporting,
  { job_id, sequence, progress }: ReportOf<"progress">,
): Promise<boolean> {
  const { rows } = await sql`${plannedOnce}
    update jobs
    set progress = ${JSON.stringify(progress)}::jsonb, lease_expires_at = ${leaseFrom(clock.now())}, last_sequence = ${sequence}
    where id = ${job_id} and agent_id = ${agentId} and state = 'running' and last_sequence < ${sequence}
      and set_config('synchronous_commit', 'off', true) = 'off'
    returning ${publishing({ type: "job", id: job_id, agent_id: agentId })}`.execute(database);
  return rows.length === 1;
}

async function recordReport(
  deps: Deps,
  transaction: Transaction<Database>,
  from: Reporting,
  report: Report,
): Promise<boolean> {
  const job = await transaction
    .selectFrom("jobs")
    .select(["state", "last_sequence"])
    .where("id", "=", report.job_id)
    .where("agent_id", "=", from.agentId)
    .forUpdate()
    .executeTakeFirst();
  if (job === undefined || BigInt(report.sequence) <= job.last_sequence) return false;
  // A report of work on a job that isn't marked as begun: its beginning was lost on the way, but it did begin.
  if (job.state === "pending") {
    const hasBegun = await begin(transaction, deps.clock.now(), report);
    return hasBegun && (report.kind === "started" || (await recordStep(deps, transaction, from, report)));
  }
  return job.state === "running" && (await recordStep(deps, transaction, from, report));
}

async function begin(transaction: Transaction<Database>, now: Date, report: Report): Promise<boolean> {
  const changes = { started_at: now, lease_expires_at: leaseFrom(now), ...counting(report) };
  return (await moveJobs(transaction, { jobId: report.job_id }, "running", changes)).length === 1;
}

async function recordStep(
  deps: Deps,
  transaction: Transaction<Database>,
  { tenantId, agentId }: Reporting,
  report: Report,
): Promise<boolean> {
  if (report.kind === "finished") return await finish(deps, transaction, tenantId, report);
  if (report.kind === "log") await keepLines(transaction, report);
  const progress =
    report.kind === "progress"
      ? { progress: JSON.stringify(report.progress), lease_expires_at: leaseFrom(deps.clock.now()) }
      : {};
  await transaction
    .updateTable("jobs")
    .set({ ...counting(report), ...progress })
    .where("id", "=", report.job_id)
    .execute();
  if (report.kind === "progress") await publish(transaction, { type: "job", id: report.job_id, agent_id: agentId });
  return true;
}

/** What makes a report count once, as a part of what it changes. */
function counting({ sequence }: Report): { readonly last_sequence: bigint } {
  return { last_sequence: BigInt(sequence) };
}

async function finish(
  { clock, queue }: Deps,
  transaction: Transaction<Database>,
  tenantId: string,
  report: ReportOf<"finished">,
): Promise<boolean> {
  const { job_id, outcome, summary, reason, error, unreadable } = report;
  const changes = {
    ...counting(report),
    ...ending(clock.now(), reason ?? null),
    error: outcome === "failed" ? (error ?? "unknown") : null,
    summary: summary === undefined ? null : JSON.stringify(summary),
    snapshot_id: summary !== undefined && "snapshot_id" in summary ? (summary.snapshot_id ?? null) : null,
    unreadable: unreadable === undefined ? null : JSON.stringify(unreadable),
  };
  const [ended] = await moveJobs(transaction, { jobId: job_id }, outcome satisfies JobState, changes);
  if (ended === undefined) return false;
  await retryFailedJob({ clock, queue }, transaction, tenantId, ended);
  if (isFollowed(ended)) await queue.enqueue(transaction, jobEnded, [{ data: { tenantId, jobId: ended.id } }]);
  return true;
}

async function keepLines(
  transaction: Transaction<Database>,
  { job_id, sequence, lines }: ReportOf<"log">,
): Promise<void> {
  const { count } = await transaction
    .selectFrom("job_log_lines")
    .select((from) => from.fn.countAll<bigint>().as("count"))
    .where("job_id", "=", job_id)
    .executeTakeFirstOrThrow();
  const kept = lines.slice(0, Math.max(0, logLinesMax - Number(count)));
  if (kept.length === 0) return;
  await transaction
    .insertInto("job_log_lines")
    .values(kept.map(({ at, level, text }, place) => ({ job_id, sequence, place, at: new Date(at), level, text })))
    .execute();
}
