import { type Grant, type GrantRequest, timestamp, uuid } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { endGrants, type GrantRow, grantToKey } from "../../gateway/index.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { recordEnded } from "../jobs/index.ts";
import { requireRepository } from "./require-repository.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

interface Asking {
  readonly caller: Operator;
  readonly by: Actor;
}

/** Lets an API key delete something of a repository for a while. 400 if there is no such key. */
export async function createGrant(
  { database, clock }: Deps,
  { caller, by }: Asking,
  repositoryId: string,
  { kind, snapshot_ids, minutes, api_key_id, max_delete_percent }: GrantRequest,
): Promise<Grant> {
  return await inTransaction(database, async (transaction) => {
    await requireRepository(transaction, repositoryId);
    const keyId = api_key_id ?? (caller.kind === "api-key" ? caller.keyId : undefined);
    const key = keyId === undefined ? undefined : await findKey(transaction, keyId, clock.now());
    if (key === undefined) throw noKey(api_key_id === undefined);
    const row = await grantToKey(
      { database: transaction, clock },
      {
        keyId: key.id,
        repositoryId,
        kind,
        names: snapshot_ids,
        maxDeletePercent: kind === "prune" ? max_delete_percent : undefined,
        expiresAt: new Date(clock.now().getTime() + minutes * 60_000),
      },
    );
    const details = { grant_id: row.id, kind, api_key: key.name, minutes, named: snapshot_ids?.length };
    const subject = { kind: "repository", id: repositoryId };
    await recordAudit(transaction, clock, { by, action: "deletion.granted", subject, details });
    return toGrant(row);
  });
}

function noKey(isNamed: boolean): ProblemError {
  const message = isNamed
    ? "must name the API key that may delete"
    : "there is no such API key, or it opens nothing any more";
  return new ProblemError(400, "A grant is bound to an API key, and there is none.", {
    fields: [{ pointer: "/api_key_id", message }],
  });
}

async function findKey(database: Kysely<Database>, keyId: string, now: Date) {
  return await database
    .selectFrom("api_keys")
    .select(["id", "name"])
    .where("id", "=", keyId)
    .where("revoked_at", "is", null)
    .where((key) => key.or([key("expires_at", "is", null), key("expires_at", ">", now)]))
    .executeTakeFirst();
}

/** A repository's grants, newest first. */
export async function listGrants(
  database: Kysely<Database>,
  repositoryId: string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ grants: Grant[]; next_cursor: string | null }> {
  await requireRepository(database, repositoryId);
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("deletion_grants")
    .selectAll()
    .where("repository_id", "=", repositoryId)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(sql<boolean>`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.created_at.toISOString(), row.id]);
  return { grants: rows.map(toGrant), next_cursor: nextCursor };
}

/** Ends a grant before its time. 404 if there is none, or if it has ended. */
export async function endGrant({ database, clock }: Deps, by: Actor, grantId: string): Promise<void> {
  await inTransaction(database, async (transaction) => {
    const ended = await endGrants(transaction, clock.now(), { grantId });
    if (ended.length === 0) throw notFound("grant that hasn't ended");
    await recordEnded({ database: transaction, clock }, ended, by);
  });
}

function toGrant(row: GrantRow): Grant {
  return {
    id: row.id,
    repository_id: row.repository_id,
    kind: row.kind,
    job_id: row.job_id,
    api_key_id: row.api_key_id,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
    deleted_objects: Number(row.deleted_objects),
    deleted_bytes: Number(row.deleted_bytes),
  };
}
