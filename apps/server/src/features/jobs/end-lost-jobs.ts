import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { leaseMs } from "./lease.ts";
import { ending, moveJobs } from "./move-job.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Ends the running jobs whose agents have not been heard of for a whole lease. Returns their ids. Any number of processes may do it at once. */
export async function endLostJobs({ database, clock }: Deps): Promise<string[]> {
  const now = clock.now();
  const minutes = leaseMs / 60_000;
  const reason = `The agent was not heard of for ${minutes} minutes. What it had stored by then is kept and is not sent again by the next backup.`;
  return await moveJobs(database, { leaseExpiredBefore: now }, "failed", ending(now, reason));
}

/** Ends all jobs of an agent that will not be heard of again. */
export async function cancelJobsOfAgent({ database, clock }: Deps, agentId: string, reason: string): Promise<string[]> {
  return await moveJobs(database, { agentId }, "cancelled", ending(clock.now(), reason));
}
