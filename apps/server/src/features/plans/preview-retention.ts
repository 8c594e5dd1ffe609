import { deletePercentDefault, type Retention, type RetentionPreview } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database, StoredOrder } from "../../database/schema.ts";
import { selectSnapshotObjects } from "../../gateway/index.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { queueJob } from "../jobs/index.ts";
import { type DatedSnapshot, keptSnapshots } from "./kept-snapshots.ts";
import { planSnapshots } from "./plan-snapshots.ts";
import { findPlan } from "./queries.ts";

/** Thirty years of hourly ones would be more, and nobody looks through those. */
const snapshotsMax = 10_000;

interface Wanted {
  readonly agentId: string;
  readonly planId?: string | undefined;
  /** The plan's own unless told. */
  readonly retention?: Retention | undefined;
}

/**
 * What a retention keeps and removes of the snapshots that a plan made on a machine; without a plan, of all that the machine stored, as if the plan had made
 * them. 404 if there is no such plan or machine.
 */
export async function previewRetention(database: Kysely<Database>, wanted: Wanted): Promise<RetentionPreview> {
  const { keep, remove } = await decide(database, wanted);
  return {
    keep: keep.map(({ snapshot, reasons }) => ({ ...shown(snapshot), reasons: [...reasons] })),
    remove: remove.map(shown),
  };
}

/** Has the machine measure what the removal would free, by a dry run. Returns the job's id: its summary has `bytes_freed`. 409 if the machine takes no orders. */
export async function estimateRetention(
  { database, clock }: { readonly database: Kysely<Database>; readonly clock: Clock },
  wanted: Wanted,
  requestedBy: string,
): Promise<string> {
  const { remove, agent } = await decide(database, wanted);
  if (agent.repository_id === null || agent.revoked_at !== null)
    throw new ProblemError(409, "This agent takes no orders.");
  const order: StoredOrder = {
    kind: "prune",
    repository_id: agent.repository_id,
    repository_path: `/restic/${agent.repository_id}/`,
    sealed: null,
    dry_run: true,
    max_unused_percent: 0,
    max_repack_bytes: null,
    max_delete_percent: deletePercentDefault,
    without_snapshot_ids: remove.map(({ id }) => id),
  };
  return await queueJob({ database, clock }, { agentId: wanted.agentId, order, requestedBy });
}

async function decide(database: Kysely<Database>, { agentId, planId, retention }: Wanted) {
  const plan = planId === undefined ? undefined : await findPlan(database, planId);
  if (planId !== undefined && plan === undefined) throw notFound("plan");
  const agent = await findAgent(database, agentId);
  if (agent === undefined) throw notFound("agent");
  const snapshots =
    planId === undefined ? await allSnapshots(database, agentId) : await planSnapshots(database, planId, agentId);
  return { agent, ...keptSnapshots(snapshots, retention ?? plan?.content.retention ?? {}) };
}

async function allSnapshots(database: Kysely<Database>, agentId: string): Promise<DatedSnapshot[]> {
  const stored = await selectSnapshotObjects(database, { agentId, limit: snapshotsMax });
  return stored.map(({ id, storedAt }) => ({ id, receivedAt: storedAt }));
}

function shown({ id, receivedAt }: DatedSnapshot): { snapshot_id: string; received_at: string } {
  return { snapshot_id: id, received_at: receivedAt.toISOString() };
}
