import { randomUUID } from "node:crypto";
import type { provisionRequest } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { z } from "zod";
import { makeSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { attachPlan } from "../plans/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

export interface Provisioned {
  readonly agentId: string;
  readonly token: string;
  readonly expiresAt: Date;
}

/** Makes room for a new agent: its row, and a token with which one machine can enrol as it, once, until the token expires. */
export async function provisionAgent(
  { database, clock }: Deps,
  by: Actor,
  wanted: z.output<typeof provisionRequest>,
): Promise<Provisioned> {
  const now = clock.now();
  const agentId = randomUUID();
  const token = makeSecret("enrol");
  const expiresAt = new Date(now.getTime() + wanted.expires_in_hours * 60 * 60 * 1000);
  await inTransaction(database, async (transaction) => {
    if (wanted.repository_id !== undefined) await requireRepository(transaction, wanted.repository_id);
    await transaction
      .insertInto("agents")
      .values({
        id: agentId,
        hostname: wanted.hostname,
        platform: wanted.platform ?? null,
        tags: [...new Set(wanted.tags)],
        repository_id: wanted.repository_id ?? null,
        created_at: now,
      })
      .execute();
    if (wanted.plan_id !== undefined) await attachPlan(transaction, wanted.plan_id, agentId);
    await transaction
      .insertInto("enrolment_tokens")
      .values({ id: token.id, agent_id: agentId, secret_sha256: token.sha256, created_at: now, expires_at: expiresAt })
      .execute();
    const subject = { kind: "agent", id: agentId, name: wanted.hostname };
    await recordAudit(transaction, clock, { by, action: "agent.provisioned", subject });
    await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
  });
  return { agentId, token: token.text, expiresAt };
}

async function requireRepository(database: Kysely<Database>, id: string): Promise<void> {
  const found = await database.selectFrom("repositories").select("id").where("id", "=", id).executeTakeFirst();
  if (found !== undefined) return;
  const fields = [{ pointer: "/repository_id", message: "there is no such repository" }];
  throw new ProblemError(400, `There is no repository ${id} to take over.`, { fields });
}
