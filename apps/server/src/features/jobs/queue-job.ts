import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database, StoredOrder } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { countPending } from "./queries.ts";

/** More than this waiting for one machine is a script gone wild, and each of them would be run once the machine is back. */
export const pendingJobsMax = 100;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Queues a job for an agent and wakes it, in one transaction. Returns the job's id. 409 when too many wait already. */
export async function queueJob({ database, clock }: Deps, agentId: string, order: StoredOrder): Promise<string> {
  return await database.transaction().execute(async (transaction) => {
    if ((await countPending(transaction, agentId)) >= pendingJobsMax) {
      throw new ProblemError(409, `${pendingJobsMax} jobs wait for this agent already. Is it online?`);
    }
    const id = randomUUID();
    await transaction
      .insertInto("jobs")
      .values({
        id,
        agent_id: agentId,
        kind: order.kind,
        state: "pending",
        order: JSON.stringify(order),
        requested_at: clock.now(),
      })
      .execute();
    await wakeAgent(transaction, agentId);
    return id;
  });
}
