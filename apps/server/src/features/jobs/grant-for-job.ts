import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database, StoredOrder } from "../../database/schema.ts";
import { endGrants, grantToJob, type GrantRow, type NewGrant } from "../../gateway/index.ts";
import { type Actor, recordAudit, theServer } from "../audit/index.ts";
import type { PendingJob } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** The token with which a job's agent may delete; null for a job that deletes nothing. */
export async function grantFor(deps: Deps, { id, order }: Pick<PendingJob, "id" | "order">): Promise<string | null> {
  const wanted = grantOf(order);
  if (wanted === undefined) return null;
  const { token, isFirst } = await grantToJob(deps, id, wanted);
  if (isFirst) {
    const subject = { kind: "repository", id: wanted.repositoryId };
    const details = { grant_id: id, job_id: id, kind: wanted.kind, named: wanted.names?.length };
    await recordAudit(deps.database, deps.clock, { by: theServer, action: "deletion.granted", subject, details });
  }
  return token;
}

function grantOf(order: StoredOrder): NewGrant | undefined {
  if (!("dry_run" in order) || order.dry_run) return undefined;
  const { kind, repository_id: repositoryId } = order;
  switch (order.kind) {
    case "forget":
      return { repositoryId, kind, names: order.snapshot_ids, planId: order.plan_id ?? undefined };
    case "prune":
      return { repositoryId, kind, maxDeletePercent: order.max_delete_percent };
    case "repair":
      return { repositoryId, kind, names: order.pack_ids };
  }
}

/** Ends the grants of jobs that have ended, and writes down what they deleted. */
export async function endGrantsOfJobs(deps: Deps, jobIds: readonly string[]): Promise<void> {
  await recordEnded(deps, await endGrants(deps.database, deps.clock.now(), { jobIds }), theServer);
}

/** Writes down what was deleted by grants that have ended. */
export async function recordEnded({ database, clock }: Deps, ended: readonly GrantRow[], by: Actor): Promise<void> {
  for (const { id, repository_id, kind, job_id, api_key_id, deleted_objects, deleted_bytes } of ended) {
    const deleted = { deleted_objects: Number(deleted_objects), deleted_bytes: Number(deleted_bytes) };
    const details = { grant_id: id, kind, job_id, api_key_id, ...deleted };
    const subject = { kind: "repository", id: repository_id };
    await recordAudit(database, clock, { by, action: "deletion.ended", subject, details });
  }
}
