import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database, StoredOrder } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { countPending } from "./queries.ts";

/** More than this waiting for one machine is a script gone wild, and each of them would be run once the machine is back. */
export const pendingJobsMax = 100;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

export interface NewJob {
  readonly agentId: string;
  readonly order: StoredOrder;
  /** Who asked for it. */
  readonly requestedBy?: string | undefined;
  /** The plan that it runs. */
  readonly planId?: string | undefined;
  /** When the plan wanted it. */
  readonly dueAt?: Date | undefined;
}

/** Queues a job for an agent and wakes it, in one transaction. Returns the job's id. 409 when too many wait already. */
export async function queueJob({ database, clock }: Deps, wanted: NewJob): Promise<string> {
  const { agentId, order, requestedBy, planId, dueAt } = wanted;
  return await inTransaction(database, async (transaction) => {
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
        requested_by: requestedBy ?? null,
        plan_id: planId ?? null,
        due_at: dueAt ?? null,
        repository_id: "repository_id" in order ? order.repository_id : null,
      })
      .execute();
    await wakeAgent(transaction, agentId);
    await publish(transaction, { type: "job", id, agent_id: agentId });
    return id;
  });
}
