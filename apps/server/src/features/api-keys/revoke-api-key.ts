import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Makes a key useless from the next request on. Tells whether there was such a key; one that was revoked before stays as it is. */
export async function revokeApiKey({ database, clock }: Deps, id: string): Promise<boolean> {
  const key = await database.selectFrom("api_keys").select("id").where("id", "=", id).executeTakeFirst();
  if (key === undefined) return false;
  await database
    .updateTable("api_keys")
    .set({ revoked_at: clock.now() })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .execute();
  return true;
}
