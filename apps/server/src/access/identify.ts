import { type Permission, permission, role } from "@saveos/contract";
import { sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Databases } from "../database/databases.ts";
import { plannedOnce } from "../database/planned-once.ts";
import type { AgentCaller, KeyCaller } from "./caller.ts";
import { type ClaimedSecret, isSecret, readSecret } from "./secrets.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
}

/** How exact "last used" is: a busy program sends thousands of requests, and each update would be a write to disk. */
const keyStepMs = 60_000;
/** An agent is known to be there by its heartbeats; this only tells a credential that is in use from one that isn't. */
const agentStepMs = 60 * 60 * 1000;

/**
 * Finds out who presents `credential`, or nothing if it is unknown, revoked or has run out. It is looked up each time, so that a
 * revocation holds from the next request on, in every process.
 */
export async function identify(deps: Deps, credential: string): Promise<KeyCaller | AgentCaller | undefined> {
  const claimed = readSecret(credential);
  if (claimed?.kind === "key") return await identifyKey(deps, claimed);
  if (claimed?.kind === "agent") return await identifyAgent(deps, claimed);
  return undefined;
}

interface KeyRow {
  readonly tenant_id: string;
  readonly name: string;
  readonly role: string;
  readonly scopes: string[] | null;
  readonly secret_sha256: Buffer;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

async function identifyKey({ databases, clock }: Deps, claimed: ClaimedSecret): Promise<KeyCaller | undefined> {
  const now = clock.now();
  const { rows } = await sql<KeyRow>`select * from find_api_key(${claimed.id})`.execute(databases.door);
  const [key] = rows;
  if (key === undefined || !isSecret(claimed, key.secret_sha256)) return undefined;
  if (key.expires_at !== null && key.expires_at <= now) return undefined;
  if (isStale(key.last_used_at, now, keyStepMs)) {
    await databases
      .ofTenant(key.tenant_id)
      .updateTable("api_keys")
      .set({ last_used_at: now })
      .where("id", "=", claimed.id)
      .execute();
  }
  return {
    kind: "api-key",
    tenantId: key.tenant_id,
    keyId: claimed.id,
    name: key.name,
    role: role.parse(key.role),
    // A scope that this version doesn't know allows nothing.
    scopes: key.scopes?.filter(isPermission),
  };
}

interface CredentialRow {
  readonly tenant_id: string;
  readonly agent_id: string;
  readonly repository_id: string;
  readonly hostname: string;
  readonly secret_sha256: Buffer;
  readonly created_at: Date;
  readonly first_used_at: Date | null;
  readonly last_used_at: Date | null;
}

async function identifyAgent({ databases, clock }: Deps, claimed: ClaimedSecret): Promise<AgentCaller | undefined> {
  const now = clock.now();
  const { rows } = await sql<CredentialRow>`${plannedOnce}
    select tenant_id, agent_id, repository_id, hostname, secret_sha256, created_at, first_used_at, last_used_at
    from find_agent_credential(${claimed.id})`.execute(databases.door);
  const [found] = rows;
  if (found === undefined || !isSecret(claimed, found.secret_sha256)) return undefined;
  if (found.first_used_at === null) await retireOlder({ databases, clock }, found, claimed.id);
  else if (isStale(found.last_used_at, now, agentStepMs)) {
    const database = databases.ofTenant(found.tenant_id);
    await database.updateTable("agent_credentials").set({ last_used_at: now }).where("id", "=", claimed.id).execute();
  }
  return {
    kind: "agent",
    tenantId: found.tenant_id,
    agentId: found.agent_id,
    name: found.hostname,
    credentialId: claimed.id,
    credentialCreatedAt: found.created_at,
    repositoryId: found.repository_id,
  };
}

/** The agent holds its new credential: the older ones have done their service. */
async function retireOlder({ databases, clock }: Deps, used: CredentialRow, credentialId: string): Promise<void> {
  const now = clock.now();
  await databases
    .ofTenant(used.tenant_id)
    .transaction()
    .execute(async (transaction) => {
      await transaction
        .updateTable("agent_credentials")
        .set({ first_used_at: now, last_used_at: now })
        .where("id", "=", credentialId)
        .execute();
      await transaction
        .updateTable("agent_credentials")
        .set({ revoked_at: now })
        .where("agent_id", "=", used.agent_id)
        .where("created_at", "<", used.created_at)
        .where("revoked_at", "is", null)
        .execute();
    });
}

function isPermission(text: string): text is Permission {
  return permission.safeParse(text).success;
}

function isStale(lastUsed: Date | null, now: Date, stepMs: number): boolean {
  return lastUsed === null || now.getTime() - lastUsed.getTime() >= stepMs;
}
