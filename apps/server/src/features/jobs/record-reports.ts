import type { JobState, Report, ReportsResponse } from "@saveos/contract";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { leaseFrom } from "./lease.ts";
import { ending, moveJobs } from "./move-job.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Records what an agent tells about its jobs, all or nothing. A report counts once, by its sequence; one that comes after the job has ended, or about a job that
 * isn't this agent's, changes nothing and is no error: the agent could do nothing about it and would send it for ever.
 */
export async function recordReports(
  { database, clock }: Deps,
  agentId: string,
  reports: readonly Report[],
): Promise<ReportsResponse> {
  return await database.transaction().execute(async (transaction) => {
    let recorded = 0;
    for (const report of reports) {
      if (await recordReport(transaction, clock.now(), agentId, report)) recorded += 1;
    }
    return { recorded, ignored: reports.length - recorded };
  });
}

async function recordReport(
  transaction: Transaction<Database>,
  now: Date,
  agentId: string,
  report: Report,
): Promise<boolean> {
  const job = await transaction
    .selectFrom("jobs")
    .select(["state", "last_sequence"])
    .where("id", "=", report.job_id)
    .where("agent_id", "=", agentId)
    .forUpdate()
    .executeTakeFirst();
  if (job === undefined || BigInt(report.sequence) <= job.last_sequence) return false;
  // A report of work on a job that isn't marked as begun: its beginning was lost on the way, but it did begin.
  const hasBegun = job.state === "pending" ? await begin(transaction, now, report) : job.state === "running";
  if (!hasBegun) return false;
  const recorded = await recordStep(transaction, now, report);
  if (recorded) await advanceSequence(transaction, report);
  return recorded;
}

async function begin(transaction: Transaction<Database>, now: Date, report: Report): Promise<boolean> {
  const changes = { started_at: now, lease_expires_at: leaseFrom(now) };
  return (await moveJobs(transaction, { jobId: report.job_id }, "running", changes)).length === 1;
}

async function recordStep(transaction: Transaction<Database>, now: Date, report: Report): Promise<boolean> {
  if (report.kind === "finished") return await finish(transaction, now, report);
  if (report.kind === "progress") {
    await transaction
      .updateTable("jobs")
      .set({ progress: JSON.stringify(report.progress), lease_expires_at: leaseFrom(now) })
      .where("id", "=", report.job_id)
      .execute();
  }
  return true;
}

async function finish(
  transaction: Transaction<Database>,
  now: Date,
  { job_id, outcome, summary, reason }: Extract<Report, { kind: "finished" }>,
): Promise<boolean> {
  const changes = {
    ...ending(now, reason ?? null),
    summary: summary === undefined ? null : JSON.stringify(summary),
    snapshot_id: summary?.snapshot_id ?? null,
  };
  return (await moveJobs(transaction, { jobId: job_id }, outcome satisfies JobState, changes)).length === 1;
}

async function advanceSequence(transaction: Transaction<Database>, { job_id, sequence }: Report): Promise<void> {
  await transaction
    .updateTable("jobs")
    .set({ last_sequence: BigInt(sequence) })
    .where("id", "=", job_id)
    .execute();
}
