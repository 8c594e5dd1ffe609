import type { Kysely } from "kysely";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { agentChanged } from "./agent-changed.ts";
import { cancelJobsOfAgent } from "../jobs/index.ts";
import { finishRotation } from "../vault/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/**
 * Takes everything from an agent that opens something: its credential, an enrolment token it hasn't used, its jobs. What it backed up stays. Doing it twice is
 * fine. 404 if there is no such agent.
 */
export async function revokeAgent(
  { database, clock, queue }: Deps,
  tenantId: string,
  by: Actor,
  agentId: string,
): Promise<void> {
  const now = clock.now();
  await database.transaction().execute(async (transaction) => {
    const agent = await transaction
      .selectFrom("agents")
      .select(["hostname", "revoked_at"])
      .where("id", "=", agentId)
      .forUpdate()
      .executeTakeFirst();
    if (agent === undefined) throw notFound("agent");
    if (agent.revoked_at !== null) return;
    await transaction.updateTable("agents").set({ revoked_at: now }).where("id", "=", agentId).execute();
    await transaction
      .updateTable("agent_credentials")
      .set({ revoked_at: now })
      .where("agent_id", "=", agentId)
      .where("revoked_at", "is", null)
      .execute();
    await transaction
      .updateTable("enrolment_tokens")
      .set({ expires_at: now })
      .where("agent_id", "=", agentId)
      .where("used_at", "is", null)
      .where("expires_at", ">", now)
      .execute();
    await cancelJobsOfAgent({ database: transaction, clock }, agentId, "The agent was revoked by an administrator.");
    await wakeAgent(transaction, agentId);
    await recordAudit(transaction, clock, {
      by,
      action: "agent.revoked",
      subject: { kind: "agent", id: agentId, name: agent.hostname },
    });
    // The vault's rotation may have waited for this one.
    await finishRotation({ database: transaction, clock });
    await queue.enqueue(transaction, agentChanged, [{ data: { tenantId, agentId } }]);
    await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
  });
}
