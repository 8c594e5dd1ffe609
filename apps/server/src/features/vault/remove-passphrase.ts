import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { lockVault } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Forgets what a passphrase locks: whoever knows it can't open the vault with the server's help any more. Who copied it before still can, until the vault is
 * rotated. 409 for the last one, which would lock everybody out.
 */
export async function removePassphrase({ database, clock }: Deps, by: Actor, id: string): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const { generation } = await lockVault(transaction);
    const found = await transaction
      .selectFrom("vault_passphrases")
      .select(["label", "generation"])
      .where("id", "=", id)
      .executeTakeFirst();
    if (found === undefined) throw notFound("passphrase");
    if (found.generation < generation)
      throw new ProblemError(
        409,
        "The vault is being rotated: this passphrase goes by itself when nothing needs it any more.",
      );
    const others = await transaction
      .selectFrom("vault_passphrases")
      .select("id")
      .where("generation", "=", generation)
      .where("id", "!=", id)
      .execute();
    if (others.length === 0)
      throw new ProblemError(
        409,
        "This is the vault's last passphrase: without it nobody could open it. Add another first.",
      );
    await transaction.deleteFrom("vault_passphrases").where("id", "=", id).execute();
    await recordAudit(transaction, clock, {
      by,
      action: "vault.passphrase-removed",
      subject: { kind: "vault-passphrase", id, name: found.label },
    });
    await publish(transaction, { type: "vault", id: "vault", agent_id: null });
  });
}
