import type { CredentialResponse } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { AgentCaller } from "../../access/caller.ts";
import { makeSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Gives an agent a new credential. The one that it has goes on working until the new one is first used (`identify`), so an answer that is lost locks nobody out;
 * a new one that was asked for before and never used opens nothing from now on.
 */
export async function rotateCredential(
  { database, clock }: Deps,
  { agentId, name, credentialId }: AgentCaller,
  by: Actor,
): Promise<CredentialResponse> {
  const now = clock.now();
  const secret = makeSecret("agent");
  await database.transaction().execute(async (transaction) => {
    await transaction
      .updateTable("agent_credentials")
      .set({ revoked_at: now })
      .where("agent_id", "=", agentId)
      .where("id", "!=", credentialId)
      .where("revoked_at", "is", null)
      .execute();
    await transaction
      .insertInto("agent_credentials")
      .values({ id: secret.id, agent_id: agentId, secret_sha256: secret.sha256, created_at: now })
      .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "agent.credential-rotated",
      subject: { kind: "agent", id: agentId, name },
    });
  });
  return { credential: secret.text };
}
