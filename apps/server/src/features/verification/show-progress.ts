import type { RepositoryVerification, Verification } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { type Amounts, selectAmounts, selectSpeed } from "./queries.ts";
import { finishWithinSeconds, neededSpeed, verifyWithinMs } from "./speed.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** How far the verification of what a tenant has stored is, and whether it will be in time. */
export async function showProgress(deps: Deps, maxBytesPerSecond: number): Promise<Verification> {
  const [amounts, speed, serverBytes] = [
    await selectAmounts(deps),
    await selectSpeed(deps),
    await bytesOfServer(deps.database),
  ];
  const expectedSpeed = Math.min(speed ?? maxBytesPerSecond, maxBytesPerSecond);
  const secondsToFinish = secondsFor(amounts.due_bytes, expectedSpeed);
  const isTooSlow = maxBytesPerSecond < neededSpeed(serverBytes) || (secondsToFinish ?? Infinity) > finishWithinSeconds;
  const because = isLate(amounts) ? "late" : isTooSlow ? "too-slow" : null;
  return {
    ...amounts,
    bytes_per_second: speed,
    budget_bytes_per_second: maxBytesPerSecond,
    seconds_to_finish: secondsToFinish,
    behind: because !== null,
    behind_because: because,
  };
}

/** The same of one repository. 404 if there is none. */
export async function showRepositoryProgress(deps: Deps, repositoryId: string): Promise<RepositoryVerification> {
  const repository = await deps.database
    .selectFrom("repositories")
    .leftJoin("verification_requests", "verification_requests.repository_id", "repositories.id")
    .select(["requested_at", "finished_at"])
    .where("repositories.id", "=", repositoryId)
    .executeTakeFirst();
  if (repository === undefined) throw notFound("repository");
  return {
    repository_id: repositoryId,
    ...(await selectAmounts(deps, repositoryId)),
    requested_at: repository.requested_at?.toISOString() ?? null,
    finished_at: repository.finished_at?.toISOString() ?? null,
  };
}

function secondsFor(bytes: number, bytesPerSecond: number): number | null {
  if (bytes === 0) return 0;
  return bytesPerSecond === 0 ? null : Math.ceil(bytes / bytesPerSecond);
}

function isLate({ oldest_age_seconds }: Amounts): boolean {
  return (oldest_age_seconds ?? 0) * 1000 > verifyWithinMs;
}

/** A worker serves all tenants with one budget. */
async function bytesOfServer(database: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{
    bytes: bigint;
  }>`select sum(stored_bytes)::bigint as bytes from verification_turns()`.execute(database);
  return Number(rows[0]?.bytes ?? 0);
}
