import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Kysely, Transaction } from "kysely";
import { callerOf } from "../access/access.ts";
import { callerId } from "../access/caller.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import { ProblemError } from "./problem.ts";

interface Context {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

interface TransactionDeps {
  readonly database: Transaction<Database>;
  readonly clock: Clock;
}

interface Created<Body> {
  readonly body: Body;
  /** 201 unless said otherwise. */
  readonly status?: number;
  /** Where the new resource is. */
  readonly location?: string;
  /** The body holds a secret, which is shown once and never kept: who asks again learns only that it was made. */
  readonly isSecret?: boolean;
}

/** How long an answer is kept to be given again. A client that tries again does so within minutes. */
export const idempotencyMs = 24 * 60 * 60 * 1000;

const keyMaxLength = 200;

/**
 * Makes something in one transaction and answers with it. A request with the header `Idempotency-Key` that comes again, because its answer was lost or because it
 * was sent twice at once, is given the first one's answer and makes nothing. The same key on another request is refused with 422: that is a mistake.
 */
export async function createOnce<Body extends object>(
  { database, clock, request, reply }: Context,
  create: (deps: TransactionDeps) => Promise<Created<Body>>,
): Promise<FastifyReply> {
  const key = keyOf(request);
  const created = await database.transaction().execute(async (transaction) => {
    const deps = { database: transaction, clock };
    if (key === undefined) return await create(deps);
    const earlier = await takeKey(transaction, clock.now(), request, key);
    if (earlier !== undefined) return earlier as Created<Body>;
    const made = await create(deps);
    await keepAnswer(transaction, request, key, made);
    return made;
  });
  if (created.location !== undefined) reply.header("location", created.location);
  return await reply.status(created.status ?? 201).send(created.body);
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && key.length > 0 && key.length <= keyMaxLength) return key;
  throw new ProblemError(400, `Idempotency-Key must be one text of 1 to ${keyMaxLength} characters.`);
}

/** Takes the key, or gives the answer that it was taken for. A request that is still being done with this key is waited for. */
async function takeKey(
  transaction: Transaction<Database>,
  now: Date,
  request: FastifyRequest,
  key: string,
): Promise<Created<object> | undefined> {
  const caller = callerId(callerOf(request));
  const sha256 = createHash("sha256")
    .update(`${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`)
    .digest();
  const taken = await transaction
    .insertInto("idempotency_keys")
    .values({ caller, key, request_sha256: sha256, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning("key")
    .executeTakeFirst();
  if (taken !== undefined) return undefined;
  const earlier = await transaction
    .selectFrom("idempotency_keys")
    .selectAll()
    .where("caller", "=", caller)
    .where("key", "=", key)
    .executeTakeFirstOrThrow();
  if (!sha256.equals(earlier.request_sha256)) {
    throw new ProblemError(
      422,
      "This Idempotency-Key was used for another request. Use a new key for each thing to make.",
    );
  }
  const { status, body, location } = earlier;
  if (body === null) {
    const detail =
      "This was made by an earlier request with this Idempotency-Key, and its secret was shown then. Remove it and make another.";
    throw new ProblemError(409, detail, location === null ? {} : { headers: { location } });
  }
  return { body, ...(status === null ? {} : { status }), ...(location === null ? {} : { location }) };
}

async function keepAnswer(
  transaction: Transaction<Database>,
  request: FastifyRequest,
  key: string,
  { body, status = 201, location, isSecret = false }: Created<object>,
): Promise<void> {
  await transaction
    .updateTable("idempotency_keys")
    .set({ status, body: isSecret ? null : JSON.stringify(body), location: location ?? null })
    .where("caller", "=", callerId(callerOf(request)))
    .where("key", "=", key)
    .execute();
}
