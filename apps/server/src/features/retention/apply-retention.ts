import { randomUUID } from "node:crypto";
import { namedObjectsMax, snapshotsMin } from "@saveos/contract";
import type { Selectable, Transaction } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database, JobsTable, StoredOrder } from "../../database/schema.ts";
import { countSnapshots } from "../../gateway/index.ts";
import { publish } from "../../live-events/live-events.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import { findJob, type jobEnded, queueJob, unfinishedJobOfPlan } from "../jobs/index.ts";
import { type DatedSnapshot, findPlan, keptSnapshots, type PlanRow, planSnapshots } from "../plans/index.ts";
import { queuePruneIfDue } from "./queue-prune.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
}

/** As many may go without a question, whatever share of a small number they are: a first week's worth. */
const unusualMin = 5;

/** After a backup, forgets what its plan's retention removes; after a forget, prunes if the last time is long ago. Done twice for one job, it does nothing more. */
export async function afterJobs(
  { databases, clock }: Deps,
  ended: readonly z.infer<typeof jobEnded.data>[],
): Promise<void> {
  for (const { tenantId, jobId } of ended) {
    await inTransaction(databases.ofTenant(tenantId), async (transaction) => {
      const job = await findJob(transaction, jobId);
      if (job?.kind === "backup") await applyRetention({ transaction, clock }, job);
      if (job?.kind === "forget") await queuePruneIfDue({ transaction, clock }, job);
    });
  }
}

interface Applying {
  readonly transaction: Transaction<Database>;
  readonly clock: Clock;
}

async function applyRetention(deps: Applying, { plan_id, agent_id }: Selectable<JobsTable>): Promise<void> {
  const { transaction } = deps;
  // The plan's row keeps another process from doing the same at the same moment.
  const plan = plan_id === null ? undefined : await findPlan(transaction, plan_id, { forUpdate: true });
  if (plan === undefined || !plan.enabled) return;
  if ((await unfinishedJobOfPlan(transaction, plan.id, agent_id, "forget")) !== undefined) return;
  const repositoryId = await repositoryOf(transaction, agent_id);
  if (repositoryId === undefined) return;
  const snapshots = await planSnapshots(transaction, plan.id, agent_id);
  const { remove } = keptSnapshots(snapshots, plan.content.retention);
  const doomed = oldest(remove, (await countSnapshots(transaction, repositoryId)) - snapshotsMin);
  if (doomed.length === 0) return;
  const wanted = { plan, agentId: agent_id, repositoryId, total: snapshots.length, ids: doomed.map(({ id }) => id) };
  if (doomed.length > unusualMin && doomed.length * 2 > snapshots.length) await hold(deps, wanted);
  else await queueForget(deps, wanted);
}

async function repositoryOf(transaction: Transaction<Database>, agentId: string): Promise<string | undefined> {
  const agent = await transaction
    .selectFrom("agents")
    .select("repository_id")
    .where("id", "=", agentId)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return agent?.repository_id ?? undefined;
}

/** So many of those that are to go at most, the oldest: some snapshots always stay. */
function oldest(remove: readonly DatedSnapshot[], most: number): readonly DatedSnapshot[] {
  const sorted = remove.toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime());
  return sorted.slice(0, Math.max(0, Math.min(most, namedObjectsMax)));
}

export interface Doomed {
  readonly plan: Pick<PlanRow, "id" | "name" | "version">;
  readonly agentId: string;
  readonly repositoryId: string;
  /** How many snapshots of the plan the machine has. */
  readonly total: number;
  readonly ids: readonly string[];
}

/** Queues the job that forgets these snapshots. Returns its id. */
export async function queueForget(
  { transaction, clock }: Applying,
  {
    plan,
    agentId,
    repositoryId,
    ids,
  }: Pick<Doomed, "agentId" | "repositoryId" | "ids"> & { readonly plan: { readonly id: string } },
): Promise<string> {
  const order: StoredOrder = {
    kind: "forget",
    repository_id: repositoryId,
    repository_path: `/restic/${repositoryId}/`,
    sealed: null,
    dry_run: false,
    snapshot_ids: [...ids],
    plan_id: plan.id,
  };
  return await queueJob({ database: transaction, clock }, { agentId, order, planId: plan.id });
}

/** Removing more than half at once is what a mistaken policy looks like: a person decides. What was decided holds until the plan changes. */
async function hold(
  { transaction, clock }: Applying,
  { plan, agentId, repositoryId, total, ids }: Doomed,
): Promise<void> {
  const earlier = await transaction
    .selectFrom("held_deletions")
    .select(["id", "plan_version", "decision"])
    .where("plan_id", "=", plan.id)
    .where("agent_id", "=", agentId)
    .orderBy("held_at", "desc")
    .executeTakeFirst();
  if (earlier?.plan_version === plan.version && earlier.decision !== "approved") return;
  if (earlier?.decision === null) await transaction.deleteFrom("held_deletions").where("id", "=", earlier.id).execute();
  const id = randomUUID();
  await transaction
    .insertInto("held_deletions")
    .values({
      id,
      plan_id: plan.id,
      plan_version: plan.version,
      agent_id: agentId,
      repository_id: repositoryId,
      snapshot_count: total,
      snapshot_ids: [...ids],
      held_at: clock.now(),
      decision: null,
      decided_at: null,
      decided_by: null,
      job_id: null,
    })
    .execute();
  const subject = { kind: "plan", id: plan.id, name: plan.name };
  const details = { agent_id: agentId, snapshots: total, to_remove: ids.length };
  await recordAudit(transaction, clock, { by: theServer, action: "deletion.held", subject, details });
  await publish(transaction, { type: "held-deletion", id, agent_id: agentId });
}
