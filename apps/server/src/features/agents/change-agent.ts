import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { notFound } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf, recordAudit } from "../audit/index.ts";
import { agentChanged } from "./agent-changed.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/** Gives an agent other tags, and with them perhaps other plans. */
export async function changeAgent(
  { database, clock, queue }: Deps,
  { caller, request }: { caller: Operator; request: FastifyRequest },
  agentId: string,
  tags: readonly string[],
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const held = await transaction
      .selectFrom("agents")
      .select(["hostname", "tags", "version"])
      .where("id", "=", agentId)
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) throw notFound("agent");
    requireMatch(request, held.version);
    const changes = { tags: [...new Set(tags)], version: held.version + 1 };
    await transaction.updateTable("agents").set(changes).where("id", "=", agentId).execute();
    const subject = { kind: "agent", id: agentId, name: held.hostname };
    const details = { from: held.tags, to: changes.tags };
    await recordAudit(transaction, clock, { by: actorOf(caller, request), action: "agent.changed", subject, details });
    await queue.enqueue(transaction, agentChanged, [{ data: { tenantId: caller.tenantId, agentId } }]);
    await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
  });
}
