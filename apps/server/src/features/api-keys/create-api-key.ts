import { isAtLeast, type Permission, type Role } from "@saveos/contract";
import type { Kysely } from "kysely";
import { may, type Operator } from "../../access/caller.ts";
import { makeSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

export interface WantedApiKey {
  readonly name: string;
  readonly role: Role;
  /** What it is cut down to; left out: all that its role may. */
  readonly scopes?: readonly Permission[] | undefined;
  readonly expiresInDays?: number | undefined;
}

export interface CreatedApiKey {
  readonly id: string;
  /** The key itself: shown once, the server keeps its hash only. */
  readonly key: string;
  readonly expiresAt: Date | null;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Makes a key that opens the API, for ever or for some days. */
export async function createApiKey(
  { database, clock }: Deps,
  by: Actor,
  { name, role, scopes, expiresInDays }: WantedApiKey,
): Promise<CreatedApiKey> {
  const now = clock.now();
  const secret = makeSecret("key");
  const expiresAt = expiresInDays === undefined ? null : new Date(now.getTime() + expiresInDays * dayMs);
  await inTransaction(database, async (transaction) => {
    await transaction
      .insertInto("api_keys")
      .values({
        id: secret.id,
        name,
        role,
        scopes: scopes === undefined ? null : [...scopes],
        created_by: by.kind === "user" ? (by.id ?? null) : null,
        secret_sha256: secret.sha256,
        created_at: now,
        expires_at: expiresAt,
      })
      .execute();
    const subject = { kind: "api-key", id: secret.id, name };
    await recordAudit(transaction, clock, {
      by,
      action: "api-key.created",
      subject,
      details: { role, scopes: scopes ?? null },
    });
  });
  return { id: secret.id, key: secret.text, expiresAt };
}

/** Refuses with 403 a key that could do more than who makes it. */
export function requireMayGive(caller: Operator, { role, scopes }: Pick<WantedApiKey, "role" | "scopes">): void {
  if (!isAtLeast(caller.role, role))
    throw new ProblemError(403, `You are ${caller.role}: a key of yours can't be ${role}.`);
  if (caller.kind === "user" || caller.scopes === undefined) return;
  const tooMuch = scopes === undefined || !scopes.every((scope) => may(caller, scope));
  if (tooMuch)
    throw new ProblemError(403, "This key is cut down to scopes: it can make keys within these only. Name them.");
}
