import { timestamp, type ApiKey as ApiKeyAnswer, uuid } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { ApiKeysTable, Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

export type ApiKey = Omit<Selectable<ApiKeysTable>, "secret_sha256">;

const columns = [
  "id",
  "name",
  "role",
  "scopes",
  "created_by",
  "created_at",
  "expires_at",
  "last_used_at",
  "revoked_at",
] as const;

/** All keys that ever were, oldest first, without anything that opens something. */
export async function listApiKeys(database: Kysely<Database>): Promise<ApiKey[]> {
  return await database.selectFrom("api_keys").select(columns).orderBy("created_at").orderBy("id").execute();
}

/** A part of them. */
export async function pageOfApiKeys(
  database: Kysely<Database>,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ api_keys: ApiKeyAnswer[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("api_keys")
    .select(columns)
    .orderBy("created_at")
    .orderBy("id")
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(sql<boolean>`(created_at, id) > (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.created_at.toISOString(), row.id]);
  return { api_keys: rows.map(toApiKey), next_cursor: nextCursor };
}

export async function findApiKey(database: Kysely<Database>, id: string): Promise<ApiKeyAnswer | undefined> {
  const row = await database.selectFrom("api_keys").select(columns).where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toApiKey(row);
}

function toApiKey(row: ApiKey): ApiKeyAnswer {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
  };
}
