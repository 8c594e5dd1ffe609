import { randomUUID } from "node:crypto";
import { isWorthRetrying } from "@saveos/contract";
import type { Transaction } from "kysely";
import { z } from "zod";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask } from "../../queue/tasks.ts";
import type { MovedJob } from "./move-job.ts";

/** How long to wait after the first, the second and the third failure. After the last a person must look. */
const delaysMinutes = [1, 5, 25];

/** A waiting try may begin: tell its agent. */
export const offerJob = defineTask({
  name: "offer-job",
  data: z.object({ tenantId: z.string(), agentId: z.string() }),
});

interface Deps {
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/**
 * Has a failed job tried again, if its error is one that may pass by itself: a job of its own, that waits the longer the more tries there were. Part of the
 * transaction that ends the failed one. Returns the new job's id, or nothing if there is to be none.
 */
export async function retryFailedJob(
  { clock, queue }: Deps,
  transaction: Transaction<Database>,
  tenantId: string,
  failed: MovedJob,
): Promise<string | undefined> {
  const delayMinutes = delaysMinutes[failed.attempt - 1];
  if (failed.state !== "failed" || failed.error === null || !isWorthRetrying(failed.error)) return undefined;
  if (delayMinutes === undefined) return undefined;
  const id = randomUUID();
  const notBefore = new Date(clock.now().getTime() + delayMinutes * 60_000);
  const { agent_id, kind, plan_id, due_at, requested_by, repository_id } = failed;
  await transaction
    .insertInto("jobs")
    .values({
      id,
      agent_id,
      kind,
      state: "pending",
      order: JSON.stringify(failed.order),
      requested_at: clock.now(),
      attempt: failed.attempt + 1,
      retry_of: failed.id,
      not_before: notBefore,
      plan_id,
      due_at,
      requested_by,
      repository_id,
    })
    .execute();
  await queue.enqueue(transaction, offerJob, [{ data: { tenantId, agentId: agent_id }, at: notBefore }]);
  await publish(transaction, { type: "job", id, agent_id });
  return id;
}

/** Wakes the agents whose jobs may begin now. */
export async function offerJobs(
  { databases }: { databases: Databases },
  offers: readonly { readonly tenantId: string; readonly agentId: string }[],
): Promise<void> {
  for (const { tenantId, agentId } of offers) await wakeAgent(databases.ofTenant(tenantId), agentId);
}
