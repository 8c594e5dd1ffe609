import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import type { Caller } from "./caller.ts";
import { type ClaimedSecret, isSecret, readSecret } from "./secrets.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** How exact "last used" is: a busy agent sends thousands of requests, and each update would be a write to disk. */
const lastUsedStepMs = 60_000;

/**
 * Finds out who presents `credential`, or nothing if it is unknown, revoked or has run out. It is looked up each time, so that a
 * revocation holds from the next request on, in every process.
 */
export async function identify(deps: Deps, credential: string): Promise<Caller | undefined> {
  const claimed = readSecret(credential);
  if (claimed?.kind === "key") return await identifyAdministrator(deps, claimed);
  if (claimed?.kind === "agent") return await identifyAgent(deps, claimed);
  return undefined;
}

async function identifyAdministrator({ database, clock }: Deps, claimed: ClaimedSecret): Promise<Caller | undefined> {
  const now = clock.now();
  const key = await database
    .selectFrom("api_keys")
    .select(["secret_sha256", "expires_at", "last_used_at"])
    .where("id", "=", claimed.id)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (key === undefined || !isSecret(claimed, key.secret_sha256)) return undefined;
  if (key.expires_at !== null && key.expires_at <= now) return undefined;
  if (isStale(key.last_used_at, now)) {
    await database.updateTable("api_keys").set({ last_used_at: now }).where("id", "=", claimed.id).execute();
  }
  return { kind: "administrator", keyId: claimed.id };
}

async function identifyAgent({ database, clock }: Deps, claimed: ClaimedSecret): Promise<Caller | undefined> {
  const now = clock.now();
  const found = await database
    .selectFrom("agent_credentials as credential")
    .innerJoin("agents as agent", "agent.id", "credential.agent_id")
    .select(["agent.id", "agent.repository_id", "credential.secret_sha256", "credential.last_used_at"])
    .where("credential.id", "=", claimed.id)
    .where("credential.revoked_at", "is", null)
    .executeTakeFirst();
  if (found === undefined || found.repository_id === null || !isSecret(claimed, found.secret_sha256)) return undefined;
  if (isStale(found.last_used_at, now)) {
    await database.updateTable("agent_credentials").set({ last_used_at: now }).where("id", "=", claimed.id).execute();
  }
  return { kind: "agent", agentId: found.id, credentialId: claimed.id, repositoryId: found.repository_id };
}

function isStale(lastUsed: Date | null, now: Date): boolean {
  return lastUsed === null || now.getTime() - lastUsed.getTime() >= lastUsedStepMs;
}
