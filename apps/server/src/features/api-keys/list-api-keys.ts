import type { Kysely, Selectable } from "kysely";
import type { ApiKeysTable, Database } from "../../database/schema.ts";

export type ApiKey = Omit<Selectable<ApiKeysTable>, "secret_sha256">;

/** All keys that ever were, oldest first, without anything that opens something. */
export async function listApiKeys(database: Kysely<Database>): Promise<ApiKey[]> {
  return await database
    .selectFrom("api_keys")
    .select(["id", "name", "created_at", "expires_at", "last_used_at", "revoked_at"])
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** Whether any key would open the API at `now`: without one, nobody could administer the server. */
export async function hasUsableApiKey(database: Kysely<Database>, now: Date): Promise<boolean> {
  const keys = await listApiKeys(database);
  return keys.some(({ revoked_at, expires_at }) => revoked_at === null && (expires_at === null || expires_at > now));
}
