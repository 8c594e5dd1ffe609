import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask, noData } from "../../queue/tasks.ts";
import { leaseMs } from "./lease.ts";
import { ending, moveJobs } from "./move-job.ts";
import { retryFailedJob } from "./retry-failed-job.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/** Every minute: a lease is many times longer. */
export const endLost = defineTask({ name: "end-lost-jobs", data: noData, cron: "* * * * *" });

/**
 * Ends the running jobs whose agents have not been heard of for a whole lease, and has them tried again once their agents are back. Returns their ids. Any number
 * of processes may do it at once.
 */
export async function endLostJobs({ databases, clock, queue }: Deps): Promise<string[]> {
  const minutes = leaseMs / 60_000;
  const reason = `The agent was not heard of for ${minutes} minutes. What it had stored by then is kept and is not sent again by the next backup.`;
  const lost: string[] = [];
  for (const tenantId of await databases.tenantIds()) {
    await inTransaction(databases.ofTenant(tenantId), async (transaction) => {
      const now = clock.now();
      const changes = { ...ending(now, reason), error: "agent-lost" as const };
      for (const job of await moveJobs(transaction, { leaseExpiredBefore: now }, "failed", changes)) {
        lost.push(job.id);
        await retryFailedJob({ clock, queue }, transaction, tenantId, job);
      }
    });
  }
  return lost;
}

/** Ends all jobs of an agent that will not be heard of again. */
export async function cancelJobsOfAgent(
  { database, clock }: { database: Kysely<Database>; clock: Clock },
  agentId: string,
  reason: string,
): Promise<void> {
  await moveJobs(database, { agentId }, "cancelled", ending(clock.now(), reason));
}
