import { type Kysely, sql } from "kysely";
import type { Database } from "../../database/schema.ts";
import type { DatedSnapshot } from "./kept-snapshots.ts";
import { keptSnapshots } from "./kept-snapshots.ts";
import { findPlan } from "./queries.ts";

/** How far the clocks of the server's processes and of its database may differ, and what a report may take on its way. */
const slack = sql`interval '1 hour'`;

/**
 * The snapshots that a plan's retention is about, on one machine: each the result of a run of the plan there, stored by that machine while the run went on, and
 * told of by no job before. However many snapshots a machine that was taken over stores, and whatever times and hosts it writes into them, they are not among
 * these, and push none of these out.
 */
export async function planSnapshots(
  database: Kysely<Database>,
  planId: string,
  agentId: string,
): Promise<DatedSnapshot[]> {
  const { rows } = await sql<{ id: string; received_at: Date }>`
    select distinct objects.name as id, objects.stored_at as received_at
    from jobs
      join agents on agents.id = jobs.agent_id
      join objects on objects.repository_id = agents.repository_id and objects.kind = 'snapshots' and objects.name = jobs.snapshot_id
        and objects.stored_by_agent = agents.id and objects.deleting_since is null and objects.missing_since is null
    where jobs.plan_id = ${planId} and jobs.agent_id = ${agentId} and jobs.kind = 'backup' and jobs.snapshot_id is not null
      and objects.stored_at between jobs.requested_at - ${slack} and jobs.finished_at + ${slack}
      and not exists (
        select from jobs as earlier
        where earlier.snapshot_id = jobs.snapshot_id and earlier.id <> jobs.id and earlier.requested_at <= jobs.requested_at
      )`.execute(database);
  return rows.map(({ id, received_at }) => ({ id, receivedAt: received_at }));
}

/** Whether a plan's retention removes a snapshot of a job's machine, as things are now. */
export async function isRemovable(
  database: Kysely<Database>,
  {
    planId,
    jobId,
    snapshotId,
  }: { readonly planId: string; readonly jobId: string | null; readonly snapshotId: string },
): Promise<boolean> {
  const plan = await findPlan(database, planId);
  const job =
    jobId === null
      ? undefined
      : await database.selectFrom("jobs").select("agent_id").where("id", "=", jobId).executeTakeFirst();
  if (plan === undefined || job === undefined) return false;
  const { remove } = keptSnapshots(await planSnapshots(database, planId, job.agent_id), plan.content.retention);
  return remove.some(({ id }) => id === snapshotId);
}
