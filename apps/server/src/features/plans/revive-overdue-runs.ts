import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Queue } from "../../queue/queue.ts";
import { startPlannedRun } from "./start-planned-run.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/** A run is started within seconds. One that wasn't for this long has lost its task, such as with a queue that was emptied by hand. */
const overdueMs = 10 * 60_000;

/** Gives runs that should long have been started their tasks again. A run that has two is started once. */
export async function reviveOverdueRuns({ databases, clock, queue }: Deps): Promise<void> {
  const before = new Date(clock.now().getTime() - overdueMs);
  for (const tenantId of await databases.tenantIds()) {
    const database = databases.ofTenant(tenantId);
    const overdue = await database
      .selectFrom("planned_runs")
      .select(["plan_id", "agent_id", "due_at"])
      .where("due_at", "<", before)
      .execute();
    const entries = overdue.map(({ plan_id, agent_id, due_at }) => ({
      data: { tenantId, planId: plan_id, agentId: agent_id, dueAt: due_at.toISOString() },
    }));
    await queue.enqueue(database, startPlannedRun, entries);
  }
}
