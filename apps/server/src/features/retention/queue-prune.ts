import { deletePercentDefault } from "@saveos/contract";
import { type Selectable, sql, type Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database, JobsTable, StoredOrder } from "../../database/schema.ts";
import { queueJob } from "../jobs/index.ts";

/** A prune reads and writes a good part of a repository: once a week frees early enough what nobody needs. */
const pruneEveryMs = 7 * 24 * 60 * 60 * 1000;

/** As `restic prune` has it. */
const maxUnusedPercent = 5;

/** Queues a prune after a forget that removed something, on the machine that forgot, if the last prune is long ago and none is under way. */
export async function queuePruneIfDue(
  { transaction, clock }: { readonly transaction: Transaction<Database>; readonly clock: Clock },
  { agent_id, plan_id, order, summary }: Selectable<JobsTable>,
): Promise<void> {
  if (order.kind !== "forget" || order.dry_run) return;
  if (summary === null || !("snapshots_removed" in summary) || summary.snapshots_removed === 0) return;
  const { repository_id, repository_path, sealed } = order;
  // Two forgets that end at one moment ask for one prune.
  await sql`select from repositories where id = ${repository_id} for no key update`.execute(transaction);
  const since = new Date(clock.now().getTime() - pruneEveryMs);
  const recent = await transaction
    .selectFrom("jobs")
    .select("id")
    .where("kind", "=", "prune")
    .where("repository_id", "=", repository_id)
    .where(sql<boolean>`"order" ->> 'dry_run' = 'false'`)
    .where((job) =>
      job.or([
        job("state", "in", ["pending", "running"]),
        job.and([job("state", "=", "completed"), job("finished_at", ">", since)]),
      ]),
    )
    .executeTakeFirst();
  if (recent !== undefined) return;
  const prune: StoredOrder = {
    kind: "prune",
    repository_id,
    repository_path,
    sealed,
    dry_run: false,
    max_unused_percent: maxUnusedPercent,
    max_repack_bytes: null,
    max_delete_percent: deletePercentDefault,
    without_snapshot_ids: [],
  };
  const planId = plan_id ?? undefined;
  await queueJob({ database: transaction, clock }, { agentId: agent_id, order: prune, planId });
}
