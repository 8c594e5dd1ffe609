import { sql, type Transaction } from "kysely";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask } from "../../queue/tasks.ts";
import { deleteStaleRuns, type Pair, selectPairs } from "./queries.ts";
import { nextRun } from "./schedule/index.ts";
import { startPlannedRun } from "./start-planned-run.ts";
import { usableZone } from "./usable-zone.ts";

/** A plan was made or changed. */
export const planChanged = defineTask({
  name: "plan-changed",
  data: z.object({ tenantId: z.string(), planId: z.string() }),
});

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/** Pairs that are worked on in one transaction. */
const pairsAtOnce = 500;

/**
 * Works out when a plan next runs on each of its machines, or each plan on a machine, and writes it down with the task that will start it. What was worked out from the
 * same plan and zone stays as it is, so doing this twice changes nothing.
 */
export async function planRuns(
  { databases, clock, queue }: Deps,
  { tenantId, ...of }: { readonly tenantId: string } & ({ readonly planId: string } | { readonly agentId: string }),
): Promise<void> {
  const database = databases.ofTenant(tenantId);
  await deleteStaleRuns(database, of);
  for (let after: Pair | undefined; ;) {
    const pairs = await selectPairs(database, of, { after, limit: pairsAtOnce });
    await inTransaction(database, async (transaction) => {
      await writeNextRuns(
        { clock, queue },
        transaction,
        tenantId,
        pairs.filter((pair) => isStale(pair, clock.now())),
        clock.now(),
      );
    });
    if (pairs.length < pairsAtOnce) return;
    after = pairs.at(-1);
  }
}

/** A run that is due is about to be started: that works out the next one, from the plan as it is then. */
function isStale({ due_at, planned_version, plan_version, planned_zone, time_zone }: Pair, now: Date): boolean {
  if (due_at === null) return true;
  return due_at > now && (planned_version !== plan_version || planned_zone !== time_zone);
}

/** Writes down the next runs of these pairs after a time, each with its task; takes away those that never run again. */
export async function writeNextRuns(
  { queue }: Pick<Deps, "clock" | "queue">,
  transaction: Transaction<Database>,
  tenantId: string,
  pairs: readonly Pair[],
  after: Date,
): Promise<void> {
  const runs = pairs.flatMap((pair) => {
    const { schedule } = pair.content;
    if (!pair.enabled || schedule === null) return [];
    const seed = `${pair.plan_id}/${pair.agent_id}`;
    const dueAt = nextRun(schedule, { timeZone: usableZone(pair.time_zone), after, seed });
    return dueAt === undefined ? [] : [{ pair, dueAt }];
  });
  const without = pairs.filter((pair) => !runs.some((run) => run.pair === pair));
  for (const { plan_id, agent_id } of without) {
    await transaction
      .deleteFrom("planned_runs")
      .where("plan_id", "=", plan_id)
      .where("agent_id", "=", agent_id)
      .execute();
  }
  if (runs.length === 0) return;
  await transaction
    .insertInto("planned_runs")
    .values(
      runs.map(({ pair, dueAt }) => ({
        plan_id: pair.plan_id,
        agent_id: pair.agent_id,
        due_at: dueAt,
        plan_version: pair.plan_version,
        time_zone: pair.time_zone,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(["plan_id", "agent_id"]).doUpdateSet({
        due_at: sql`excluded.due_at`,
        plan_version: sql`excluded.plan_version`,
        time_zone: sql`excluded.time_zone`,
      }),
    )
    .execute();
  const entries = runs.map(({ pair, dueAt }) => ({
    data: { tenantId, planId: pair.plan_id, agentId: pair.agent_id, dueAt: dueAt.toISOString() },
    at: dueAt,
  }));
  await queue.enqueue(transaction, startPlannedRun, entries);
}
