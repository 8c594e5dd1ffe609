import type { Transaction } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import type { Queue } from "../../queue/queue.ts";
import { queueJob, unfinishedJobOfPlan } from "../jobs/index.ts";
import { backupOrderOf } from "./backup-order-of.ts";
import { writeNextRuns } from "./plan-runs.ts";
import { type Pair, selectPairs } from "./queries.ts";
import type { startPlannedRun } from "./start-planned-run.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

type DueRun = z.infer<typeof startPlannedRun.data>;

/** A moment at which thousands are due is over sooner; requests keep most of the connections. */
const runsAtOnce = 6;

/**
 * Starts the runs that are due: each a job, and the next run of the same pair with its task, in one transaction. A run that is no longer planned for that time, because it
 * was started already or the plan has changed, is passed over, so a task that is done twice starts one job.
 */
export async function startPlannedRuns(deps: Deps, due: readonly DueRun[]): Promise<void> {
  for (let begun = 0; begun < due.length; begun += runsAtOnce) {
    await Promise.all(due.slice(begun, begun + runsAtOnce).map(async (run) => await startInTransaction(deps, run)));
  }
}

async function startInTransaction(deps: Deps, run: DueRun): Promise<void> {
  await inTransaction(deps.databases.ofTenant(run.tenantId), async (transaction) => {
    await startRun(deps, transaction, run);
  });
}

async function startRun({ clock, queue }: Deps, transaction: Transaction<Database>, run: DueRun): Promise<void> {
  const dueAt = new Date(run.dueAt);
  const planned = await transaction
    .selectFrom("planned_runs")
    .select("due_at")
    .where("plan_id", "=", run.planId)
    .where("agent_id", "=", run.agentId)
    .where("due_at", "=", dueAt)
    .forUpdate()
    .executeTakeFirst();
  if (planned === undefined) return;
  const [pair] = await selectPairs(transaction, { planId: run.planId, agentId: run.agentId }, { limit: 1 });
  if (pair === undefined || !pair.enabled) return await forgetRun(transaction, run);
  const reason = await whyNotNow(transaction, pair);
  if (reason === undefined) {
    const order = backupOrderOf(pair.content, pair.platform);
    await queueJob({ database: transaction, clock }, { agentId: pair.agent_id, order, planId: pair.plan_id, dueAt });
  } else {
    await transaction
      .insertInto("skipped_runs")
      .values({ plan_id: pair.plan_id, agent_id: pair.agent_id, due_at: dueAt, reason })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  // Behind what is over: a clock that was set back must not have the same run twice.
  const after = new Date(Math.max(clock.now().getTime(), dueAt.getTime()));
  await writeNextRuns({ clock, queue }, transaction, run.tenantId, [pair], after);
}

async function forgetRun(transaction: Transaction<Database>, { planId, agentId }: DueRun): Promise<void> {
  await transaction.deleteFrom("planned_runs").where("plan_id", "=", planId).where("agent_id", "=", agentId).execute();
}

/** At most one job of a plan waits for a machine: one that was away catches up once, not ten times, and a run never overlaps itself. */
async function whyNotNow(transaction: Transaction<Database>, { plan_id, agent_id }: Pair): Promise<string | undefined> {
  const unfinished = await unfinishedJobOfPlan(transaction, plan_id, agent_id);
  if (unfinished === undefined) return undefined;
  return unfinished.state === "running"
    ? "The run before it hadn't ended yet."
    : "The run before it still waits for the machine: it will catch up with that one.";
}
