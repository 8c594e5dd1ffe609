import type { Kysely } from "kysely";
import { makeSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

export interface CreatedApiKey {
  readonly id: string;
  /** The key itself: shown once, the server keeps its hash only. */
  readonly key: string;
  readonly expiresAt: Date | null;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Makes a key that opens the API as an administrator, for ever or for some days. */
export async function createApiKey(
  { database, clock }: Deps,
  { name, expiresInDays }: { name: string; expiresInDays?: number | undefined },
): Promise<CreatedApiKey> {
  const now = clock.now();
  const secret = makeSecret("key");
  const expiresAt = expiresInDays === undefined ? null : new Date(now.getTime() + expiresInDays * dayMs);
  await database
    .insertInto("api_keys")
    .values({ id: secret.id, name, secret_sha256: secret.sha256, created_at: now, expires_at: expiresAt })
    .execute();
  return { id: secret.id, key: secret.text, expiresAt };
}
