import type { LockedIdentityResponse } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { toPassphrase } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Hands out the identity, locked, and writes down to whom. Whether they opened it the server never learns. */
export async function fetchLockedIdentity(
  { database, clock }: Deps,
  by: Actor,
  id: string,
): Promise<LockedIdentityResponse> {
  return await database.transaction().execute(async (transaction) => {
    const row = await transaction
      .updateTable("vault_passphrases")
      .set({ last_fetched_at: clock.now() })
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw notFound("passphrase");
    await recordAudit(transaction, clock, {
      by,
      action: "vault.identity-fetched",
      subject: { kind: "vault-passphrase", id, name: row.label },
    });
    return { ...toPassphrase(row), locked_identity: row.locked_identity };
  });
}
