import { randomUUID } from "node:crypto";
import type { GrantKind } from "@saveos/contract";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { isSecret, makeSecret, readSecret } from "../access/secrets.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import type { DeletableKind } from "../object-store/object-name.ts";
import type { GatewayCaller } from "./caller.ts";
import type { DeletionGrantsTable } from "./schema.ts";

export type GrantRow = Selectable<DeletionGrantsTable>;

/** What a grant of each kind lets delete. Never a config. */
export const grantedKinds: Readonly<Record<GrantKind, readonly DeletableKind[]>> = {
  forget: ["snapshots"],
  prune: ["data", "index"],
  repair: ["data", "index"],
  keys: ["keys"],
};

/** A prune over a slow line takes hours. A job that is lost or done ends its grant sooner. */
const jobGrantMs = 24 * 60 * 60 * 1000;

/** An order is repeated until its job begins; the agent may have any of the latest. */
const tokensKept = 10;

export interface NewGrant {
  readonly repositoryId: string;
  readonly kind: GrantKind;
  readonly names?: readonly string[] | undefined;
  readonly planId?: string | undefined;
  /** For a prune: the most that may be deleted, as a share of what the repository has now. */
  readonly maxDeletePercent?: number | undefined;
}

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Gives a job's agent a token with which it may delete, for as long as the job lives. The server keeps hashes only, so each time that the order is given it
 * has a new token. The grant has the job's id. Says whether it is the first.
 */
export async function grantToJob(
  { database, clock }: Deps,
  jobId: string,
  wanted: NewGrant,
): Promise<{ readonly token: string; readonly isFirst: boolean }> {
  const expires_at = new Date(clock.now().getTime() + jobGrantMs);
  const { text, sha256 } = makeSecret("grant", jobId);
  const grant = await rowOf({ database, clock }, jobId, wanted);
  const { tokens } = await database
    .insertInto("deletion_grants")
    .values({ ...grant, job_id: jobId, token_sha256s: [sha256], expires_at })
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet({
        expires_at,
        token_sha256s: sql<Buffer[]>`(${sha256}::bytea || deletion_grants.token_sha256s)[1:${sql.lit(tokensKept)}]`,
      }),
    )
    .returning(sql<number>`cardinality(token_sha256s)`.as("tokens"))
    .executeTakeFirstOrThrow();
  return { token: text, isFirst: tokens === 1 };
}

/** Lets an API key delete for a while: stock restic can send no token, so the grant is bound to the key itself. */
export async function grantToKey(
  deps: Deps,
  { keyId, expiresAt, ...wanted }: NewGrant & { readonly keyId: string; readonly expiresAt: Date },
): Promise<GrantRow> {
  const grant = await rowOf(deps, randomUUID(), wanted);
  return await deps.database
    .insertInto("deletion_grants")
    .values({ ...grant, api_key_id: keyId, expires_at: expiresAt })
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function rowOf({ database, clock }: Deps, id: string, wanted: NewGrant) {
  const { repositoryId, kind, names, planId, maxDeletePercent } = wanted;
  return {
    id,
    repository_id: repositoryId,
    kind,
    names: names === undefined ? null : [...names],
    plan_id: planId ?? null,
    max_bytes: maxDeletePercent === undefined ? null : await shareOf(database, repositoryId, maxDeletePercent),
    created_at: clock.now(),
  };
}

/** A share of all that is stored, and every index file besides: a prune writes those anew, and they are small wherever the packs are not. */
async function shareOf(database: Kysely<Database>, repositoryId: string, percent: number): Promise<bigint> {
  const { rows } = await sql<{ stored: bigint; of_index: bigint }>`select
    coalesce((select stored_bytes from repository_usage where repository_id = ${repositoryId}), 0)::bigint as stored,
    coalesce((select sum(size_bytes) from objects where repository_id = ${repositoryId} and kind = 'index'), 0)::bigint as of_index`.execute(
    database,
  );
  const { stored = 0n, of_index: ofIndex = 0n } = rows[0] ?? {};
  return BigInt(Math.ceil((Number(stored) * percent) / 100)) + ofIndex;
}

/** The grants by which a caller may delete an object of this kind now. An agent must show its job's token. */
export async function liveGrants(
  { database, clock }: { readonly database: Transaction<Database>; readonly clock: Clock },
  {
    caller,
    repositoryId,
    kind,
    token,
  }: {
    readonly caller: GatewayCaller;
    readonly repositoryId: string;
    readonly kind: DeletableKind;
    readonly token: string | undefined;
  },
): Promise<GrantRow[]> {
  const now = clock.now();
  const live = database
    .selectFrom("deletion_grants")
    .selectAll("deletion_grants")
    .where("deletion_grants.repository_id", "=", repositoryId)
    .where("deletion_grants.ended_at", "is", null)
    .where("deletion_grants.expires_at", ">", now);
  const fitting = (rows: GrantRow[]) => rows.filter((row) => grantedKinds[row.kind].includes(kind));
  if (caller.kind === "administrator") {
    if (caller.keyId === undefined) return [];
    return fitting(await live.where("api_key_id", "=", caller.keyId).execute());
  }
  const claimed = token === undefined ? undefined : readSecret(token);
  if (claimed?.kind !== "grant") return [];
  // The job may have been lost, cancelled or ended a moment ago: then its grant is worth nothing any more.
  const rows = await live
    .innerJoin("jobs", "jobs.id", "deletion_grants.job_id")
    .where("deletion_grants.id", "=", claimed.id)
    .where("jobs.agent_id", "=", caller.agentId)
    .where("jobs.state", "in", ["pending", "running"])
    .where((job) => job.or([job("jobs.lease_expires_at", "is", null), job("jobs.lease_expires_at", ">", now)]))
    .execute();
  return fitting(rows.filter(({ token_sha256s }) => token_sha256s.some((sha256) => isSecret(claimed, sha256))));
}

/** Ends grants, and returns them as they are then. */
export async function endGrants(
  database: Kysely<Database>,
  at: Date,
  which: { readonly grantId: string } | { readonly jobIds: readonly string[] } | "expired",
): Promise<GrantRow[]> {
  let query = database.updateTable("deletion_grants").set({ ended_at: at }).where("ended_at", "is", null);
  if (which === "expired") query = query.where("expires_at", "<=", at);
  else if ("grantId" in which) query = query.where("id", "=", which.grantId);
  else query = query.where("job_id", "in", which.jobIds);
  return await query.returningAll().execute();
}

/** Whether something of the repository may be being deleted now: by a job, or by somebody with a key. */
export async function isBeingDeleted(database: Kysely<Database>, repositoryId: string, now: Date): Promise<boolean> {
  const { rows } = await sql<{ is_being_deleted: boolean }>`
    select exists (
      select from deletion_grants left join jobs on jobs.id = deletion_grants.job_id
      where deletion_grants.repository_id = ${repositoryId} and deletion_grants.ended_at is null and deletion_grants.expires_at > ${now}
        and (jobs.id is null or jobs.state in ('pending', 'running'))
    ) as is_being_deleted`.execute(database);
  return rows[0]?.is_being_deleted ?? false;
}
