import type { Kysely } from "kysely";
import { sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Counts a passphrase that didn't fit. Honest programs say so, for the others to see; who has the locked identity and is not honest guesses without telling, which
 * is why a guess takes a second.
 */
export async function reportWrongPassphrase({ database, clock }: Deps, by: Actor, id: string): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const row = await transaction
      .updateTable("vault_passphrases")
      .set({ wrong_tries: sql<number>`wrong_tries + 1` })
      .where("id", "=", id)
      .returning("label")
      .executeTakeFirst();
    if (row === undefined) throw notFound("passphrase");
    await recordAudit(transaction, clock, {
      by,
      action: "vault.passphrase-wrong",
      subject: { kind: "vault-passphrase", id, name: row.label },
    });
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
  });
}
