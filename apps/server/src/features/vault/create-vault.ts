import { randomUUID } from "node:crypto";
import type { CreateVaultRequest } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { wakeAgents } from "./wake-agents.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Keeps the tenant's vault, which was made where the server can't see, and tells the agents of it. 409 if there is one. */
export async function createVault(
  { database, clock }: Deps,
  by: Actor,
  createdBy: string,
  { recipient, verify_key, passphrase }: CreateVaultRequest,
): Promise<void> {
  const now = clock.now();
  await inTransaction(database, async (transaction) => {
    const made = await transaction
      .insertInto("vaults")
      .values({ recipient, verify_key, names: null, created_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning("recipient")
      .executeTakeFirst();
    if (made === undefined)
      throw new ProblemError(409, "There is a vault already. To get another identity, rotate it.");
    const id = randomUUID();
    await transaction
      .insertInto("vault_passphrases")
      .values({ id, generation: 1, ...passphrase, created_at: now, created_by: createdBy, last_fetched_at: null })
      .execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.created",
      subject: { kind: "vault", id: recipient },
      details: { passphrase: passphrase.label },
    });
    await wakeAgents(transaction);
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
  });
}
