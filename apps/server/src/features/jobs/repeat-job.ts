import { isDeleting, isFinal } from "@saveos/contract";
import type { Kysely } from "kysely";
import { requireMay } from "../../access/access.ts";
import { callerId, type Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { findJob } from "./queries.ts";
import { queueJob } from "./queue-job.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Orders what an ended job was to do once more, as a job of its own whose tries are counted anew. Returns its id. 404 if there is no such job, 409 if it hasn't ended. */
export async function repeatJob(
  { database, clock }: Deps,
  caller: Operator,
  by: Actor,
  jobId: string,
): Promise<string> {
  return await inTransaction(database, async (transaction) => {
    const job = await findJob(transaction, jobId);
    if (job === undefined) throw notFound("job");
    if (job.kind === "restore") requireMay(caller, "jobs:restore");
    if (isDeleting(job.kind)) requireMay(caller, "repositories:delete");
    if (!isFinal(job.state)) throw new ProblemError(409, "The job hasn't ended yet.");
    const id = await queueJob(
      { database: transaction, clock },
      { agentId: job.agent_id, order: job.order, requestedBy: callerId(caller) },
    );
    await recordAudit(transaction, clock, { by, action: "job.repeated", subject: { kind: "job", id, name: job.kind } });
    return id;
  });
}
