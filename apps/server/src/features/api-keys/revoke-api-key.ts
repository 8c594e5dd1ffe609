import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Makes a key useless from the next request on. Tells whether there was such a key; one that was revoked before stays as it is. */
export async function revokeApiKey({ database, clock }: Deps, by: Actor, id: string): Promise<boolean> {
  return await inTransaction(database, async (transaction) => {
    const key = await transaction
      .selectFrom("api_keys")
      .select(["name", "revoked_at"])
      .where("id", "=", id)
      .forUpdate()
      .executeTakeFirst();
    if (key === undefined) return false;
    if (key.revoked_at !== null) return true;
    await transaction.updateTable("api_keys").set({ revoked_at: clock.now() }).where("id", "=", id).execute();
    await recordAudit(transaction, clock, {
      by,
      action: "api-key.revoked",
      subject: { kind: "api-key", id, name: key.name },
    });
    return true;
  });
}
