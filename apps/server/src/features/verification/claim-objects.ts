import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { nameOf } from "../../gateway/index.ts";
import type { ObjectKind, ObjectName } from "../../object-store/object-name.ts";
import { dueAfterMs } from "./speed.ts";

interface Deps {
  /** As the tenant sees it whose turn it is. */
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

export interface ClaimedObject {
  readonly repositoryId: string;
  readonly object: ObjectName;
  readonly sizeBytes: number;
  /** What the bytes must hash to; null: a config that was never read. */
  readonly sha256: string | null;
}

/** Objects that one worker has in hand. Until `until` no other takes them; a worker that dies gives them back so. */
export interface Claim {
  readonly until: Date;
  readonly objects: readonly ClaimedObject[];
}

/** Small objects are written down together, so that reading them is what takes the time. */
const objectsAtOnceMax = 256;
/** Four full packs: what a stop or a crash throws away, and at the slowest speed a minute. */
const bytesAtOnceMax = 64 * 1024 * 1024;
/** The biggest object there can be takes nine minutes at the slowest speed. */
const claimMs = 60 * 60 * 1000;

/** What is read in turn: an object that has a finding is looked after there. */
const inTurn = sql`deleting_since is null and missing_since is null and damaged_since is null`;

/** What an object's age counts from. */
export const unverifiedSince = sql<Date>`coalesce(last_verified_at, stored_at)`;

/** Takes the objects that were not read for the longest time: first of repositories that somebody asked for, then of what is due. Empty if there is nothing to do. */
export async function claimObjects(deps: Deps, exceptRepositories: readonly string[]): Promise<Claim> {
  const requested = await claimRequested(deps, exceptRepositories);
  if (requested !== undefined) return requested;
  const dueBefore = new Date(deps.clock.now().getTime() - dueAfterMs);
  return await claim(deps, exceptRepositories, sql`${unverifiedSince} < ${dueBefore}`);
}

async function claimRequested(deps: Deps, exceptRepositories: readonly string[]): Promise<Claim | undefined> {
  const open = await deps.database
    .selectFrom("verification_requests")
    .select(["repository_id", "requested_at"])
    .where("finished_at", "is", null)
    .where(sql<boolean>`repository_id <> all(${exceptRepositories}::uuid[])`)
    .orderBy("requested_at")
    .execute();
  for (const { repository_id, requested_at } of open) {
    const wanted = sql`repository_id = ${repository_id} and ${unverifiedSince} < ${requested_at}`;
    const claimed = await claim(deps, exceptRepositories, wanted);
    if (claimed.objects.length > 0) return claimed;
    await finishRequest(deps, repository_id, requested_at);
  }
  return undefined;
}

async function claim(
  { database, clock }: Deps,
  exceptRepositories: readonly string[],
  wanted: RawBuilder<unknown>,
): Promise<Claim> {
  const now = clock.now();
  const until = new Date(now.getTime() + claimMs);
  const { rows } = await sql<Row>`
    with oldest as (
      select repository_id, kind, name, size_bytes, ${unverifiedSince} as since from objects
      where ${inTurn} and ${wanted} and (verify_after is null or verify_after <= ${now})
        and repository_id <> all(${exceptRepositories}::uuid[])
      order by ${unverifiedSince} limit ${objectsAtOnceMax} for update skip locked
    ), counted as (
      select repository_id, kind, name, sum(size_bytes) over (order by since, repository_id, kind, name) - size_bytes as bytes_before from oldest
    )
    update objects set verify_after = ${until} from counted
    where objects.repository_id = counted.repository_id and objects.kind = counted.kind and objects.name = counted.name
      and counted.bytes_before < ${bytesAtOnceMax}
    returning objects.repository_id, objects.kind, objects.name, objects.size_bytes, objects.sha256`.execute(database);
  return { until, objects: rows.map(toClaimed) };
}

/** Over when nothing is left that wasn't read since; another worker may still have some of it in hand. */
async function finishRequest({ database, clock }: Deps, repositoryId: string, requestedAt: Date): Promise<void> {
  await database
    .updateTable("verification_requests")
    .set({ finished_at: clock.now() })
    .where("repository_id", "=", repositoryId)
    .where("requested_at", "=", requestedAt)
    .where(
      sql<boolean>`not exists (select from objects where ${inTurn} and repository_id = ${repositoryId} and ${unverifiedSince} < ${requestedAt})`,
    )
    .execute();
}

/** Gives objects back that were not read after all. */
export async function releaseObjects(
  { database }: Pick<Deps, "database">,
  { until }: Claim,
  objects: readonly ClaimedObject[],
): Promise<void> {
  if (objects.length === 0) return;
  await sql`update objects set verify_after = null
    from ${listed(objects)} where ${isListed} and objects.verify_after = ${until}`.execute(database);
}

/** Objects as rows that a statement can join: arrays, because PostgreSQL takes at most 65,535 parameters. */
export function listed(objects: readonly Pick<ClaimedObject, "repositoryId" | "object">[]): RawBuilder<unknown> {
  const repositories = objects.map(({ repositoryId }) => repositoryId);
  const kinds = objects.map(({ object }) => object.kind);
  const names = objects.map(({ object }) => object.name);
  return sql`unnest(${repositories}::uuid[], ${kinds}::text[], ${names}::text[]) as listed (repository_id, kind, name)`;
}

/** Joins `listed` with the ledger. */
export const isListed = sql`objects.repository_id = listed.repository_id and objects.kind = listed.kind and objects.name = listed.name`;

interface Row {
  readonly repository_id: string;
  readonly kind: ObjectKind;
  readonly name: string;
  readonly size_bytes: bigint;
  readonly sha256: string | null;
}

function toClaimed({ repository_id, kind, name, size_bytes, sha256 }: Row): ClaimedObject {
  return {
    repositoryId: repository_id,
    object: nameOf(kind, name),
    sizeBytes: Number(size_bytes),
    sha256: kind === "config" ? sha256 : name,
  };
}
