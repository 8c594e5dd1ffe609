import type { Kysely } from "kysely";
import { isFinal, type Job } from "@saveos/contract";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { ending, moveJobs } from "./move-job.ts";
import { findJob, toJob } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Ends a job that hasn't ended, and tells its agent at once to stop. 404 if there is none, 409 if it ended before. */
export async function cancelJob({ database, clock }: Deps, by: Actor, jobId: string): Promise<Job> {
  return await inTransaction(database, async (transaction) => {
    const reason = by.name === undefined ? "It was cancelled" : `It was cancelled by ${by.name}`;
    const [cancelled] = await moveJobs(transaction, { jobId }, "cancelled", ending(clock.now(), reason));
    if (cancelled === undefined) throw await whyNot(transaction, jobId);
    await wakeAgent(transaction, cancelled.agent_id);
    const subject = { kind: "job", id: jobId, name: cancelled.kind };
    await recordAudit(transaction, clock, { by, action: "job.cancelled", subject });
    return toJob(cancelled);
  });
}

async function whyNot(database: Kysely<Database>, jobId: string): Promise<ProblemError> {
  const job = await findJob(database, jobId);
  if (job === undefined) return notFound("job");
  return new ProblemError(
    409,
    isFinal(job.state) ? `The job has ended already: ${job.state}.` : "The job is changing. Try again.",
  );
}
