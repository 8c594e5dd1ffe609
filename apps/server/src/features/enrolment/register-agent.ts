import { randomUUID } from "node:crypto";
import { problemType, type RegisterRequest, type RegisterResponse } from "@saveos/contract";
import { sql, type Transaction } from "kysely";
import { isSecret, makeSecret, readSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { agentChanged } from "../agents/index.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/**
 * Turns an enrolment token into an agent's own credential and a repository, once. The token is spent in the same transaction: of two machines that come
 * with one token at the same moment, one gets in.
 *
 * Refuses with 401 a token that is unknown or has expired, with 409 one that was used, which is written down: somebody may have copied it.
 */
export async function registerAgent(deps: Deps, by: Actor, request: RegisterRequest): Promise<RegisterResponse> {
  const token = await findToken(deps, request.token);
  const tenantDatabase = deps.databases.ofTenant(token.tenantId);
  try {
    return await tenantDatabase.transaction().execute(async (transaction) => {
      await spendToken(transaction, token.id, deps.clock.now());
      return await enrol(deps, transaction, token, request, by.address);
    });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 409) {
      const subject = { kind: "agent", id: token.agentId, name: request.hostname };
      await recordAudit(tenantDatabase, deps.clock, { by, action: "enrolment.token-replayed", subject });
    }
    throw error;
  }
}

interface Token {
  readonly id: string;
  readonly tenantId: string;
  readonly agentId: string;
}

async function findToken({ databases }: Deps, text: string): Promise<Token> {
  const claimed = readSecret(text);
  if (claimed?.kind !== "enrol") throw refused(401, "This is not an enrolment token.");
  const { rows } = await sql<{ tenant_id: string; agent_id: string; secret_sha256: Buffer }>`
    select * from find_enrolment_token(${claimed.id})`.execute(databases.door);
  const [found] = rows;
  if (found === undefined || !isSecret(claimed, found.secret_sha256))
    throw refused(401, "This enrolment token is unknown.");
  return { id: claimed.id, tenantId: found.tenant_id, agentId: found.agent_id };
}

/** Only who holds the whole token learns more about it. */
async function spendToken(transaction: Transaction<Database>, id: string, now: Date): Promise<void> {
  const token = await transaction
    .selectFrom("enrolment_tokens")
    .select(["used_at", "expires_at"])
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (token === undefined) throw refused(401, "This enrolment token is unknown.");
  if (token.used_at !== null) throw refused(409, "This enrolment token was used already. Each machine needs its own.");
  if (token.expires_at <= now)
    throw refused(401, "This enrolment token has expired. Ask an administrator for a new one.");
  await transaction.updateTable("enrolment_tokens").set({ used_at: now }).where("id", "=", id).execute();
}

async function enrol(
  { clock, queue }: Deps,
  transaction: Transaction<Database>,
  { tenantId, agentId }: Token,
  request: RegisterRequest,
  address: string | undefined,
): Promise<RegisterResponse> {
  const now = clock.now();
  const repositoryId = await repositoryFor(transaction, agentId);
  const { hostname, platform, agent_version, machine_id, time_zone, recipient } = request;
  await transaction
    .updateTable("agents")
    .set({
      hostname,
      platform,
      agent_version,
      machine_id,
      time_zone,
      recipient,
      repository_id: repositoryId,
      registered_at: now,
    })
    .where("id", "=", agentId)
    .execute();
  const credential = makeSecret("agent");
  await transaction
    .insertInto("agent_credentials")
    .values({ id: credential.id, agent_id: agentId, secret_sha256: credential.sha256, created_at: now })
    .execute();
  const agent = { kind: "agent", id: agentId, name: hostname } as const;
  const by: Actor = { ...agent, ...(address === undefined ? {} : { address }) };
  await recordAudit(transaction, clock, { by, action: "agent.enrolled", subject: agent });
  await queue.enqueue(transaction, agentChanged, [{ data: { tenantId, agentId } }]);
  await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
  return {
    agent_id: agentId,
    credential: credential.text,
    repository_id: repositoryId,
    repository_path: `/restic/${repositoryId}/`,
  };
}

async function repositoryFor(transaction: Transaction<Database>, agentId: string): Promise<string> {
  const { repository_id } = await transaction
    .selectFrom("agents")
    .select("repository_id")
    .where("id", "=", agentId)
    .executeTakeFirstOrThrow();
  if (repository_id !== null) return repository_id;
  const id = randomUUID();
  await transaction.insertInto("repositories").values({ id, max_bytes: null }).execute();
  return id;
}

function refused(status: 401 | 409, detail: string): ProblemError {
  return new ProblemError(status, detail, { type: problemType.enrolmentRefused });
}
