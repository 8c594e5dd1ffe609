import { randomUUID } from "node:crypto";
import { problemType, type RegisterRequest, type RegisterResponse } from "@saveos/contract";
import type { Kysely, Transaction } from "kysely";
import { isSecret, makeSecret, readSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { ProblemError } from "../../http/problem.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Turns an enrolment token into an agent's own credential and a repository, once. The token is spent in the same transaction: of two machines that come
 * with one token at the same moment, one gets in.
 *
 * Refuses with 401 a token that is unknown or has expired, with 409 one that was used.
 */
export async function registerAgent({ database, clock }: Deps, request: RegisterRequest): Promise<RegisterResponse> {
  const now = clock.now();
  return await database.transaction().execute(async (transaction) => {
    const agentId = await spendToken(transaction, request.token, now);
    const repositoryId = await repositoryFor(transaction, agentId);
    await transaction
      .updateTable("agents")
      .set({
        hostname: request.hostname,
        platform: request.platform,
        agent_version: request.agent_version,
        machine_id: request.machine_id,
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
    return {
      agent_id: agentId,
      credential: credential.text,
      repository_id: repositoryId,
      repository_path: `/restic/${repositoryId}/`,
    };
  });
}

async function spendToken(transaction: Transaction<Database>, text: string, now: Date): Promise<string> {
  const claimed = readSecret(text);
  if (claimed?.kind !== "enrol") throw refused(401, "This is not an enrolment token.");
  const token = await transaction
    .selectFrom("enrolment_tokens")
    .selectAll()
    .where("id", "=", claimed.id)
    .forUpdate()
    .executeTakeFirst();
  if (token === undefined || !isSecret(claimed, token.secret_sha256))
    throw refused(401, "This enrolment token is unknown.");
  // Only who holds the whole token learns more about it.
  if (token.used_at !== null) throw refused(409, "This enrolment token was used already. Each machine needs its own.");
  if (token.expires_at <= now)
    throw refused(401, "This enrolment token has expired. Ask an administrator for a new one.");
  await transaction.updateTable("enrolment_tokens").set({ used_at: now }).where("id", "=", token.id).execute();
  return token.agent_id;
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
