import type { Logger } from "pino";
import type { Clock } from "./clock.ts";
import type { Databases } from "./database/databases.ts";
import { agentChanged } from "./features/agents/index.ts";
import { applyDelayedChange, applyDelayedChanges } from "./features/delayed-changes/index.ts";
import {
  bringBack,
  continueUndelete,
  endExpiredGrants,
  purgeQuarantine,
  purgeTask,
  reviveUndeletes,
} from "./features/deletions/index.ts";
import { cleanUp, cleanUpTask } from "./features/housekeeping/index.ts";
import { endLost, endLostJobs, jobEnded, leaseMs, offerJob, offerJobs } from "./features/jobs/index.ts";
import {
  applyRetention,
  planChanged,
  planRuns,
  reviveOverdueRuns,
  startPlannedRun,
  startPlannedRuns,
} from "./features/plans/index.ts";
import { countUsage, countUsageTask } from "./features/repositories/index.ts";
import { afterJobs } from "./features/retention/index.ts";
import { applyQuarantineDays } from "./features/tenants/index.ts";
import type { ObjectStorage } from "./object-store/index.ts";
import type { Queue } from "./queue/queue.ts";
import type { Task } from "./queue/tasks.ts";

/** Every kind of task that the server does by itself. */
export const tasks: readonly Task<never>[] = [
  agentChanged,
  applyDelayedChange,
  bringBack,
  cleanUpTask,
  countUsageTask,
  endLost,
  jobEnded,
  offerJob,
  planChanged,
  purgeTask,
  startPlannedRun,
] as readonly Task<object>[] as readonly Task<never>[];

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Queue;
  readonly objects: ObjectStorage;
  readonly log: Pick<Logger, "warn" | "error">;
}

/** Makes this process a worker: from now on it does the tasks, each as it comes due. */
export async function doTasks({ databases, clock, queue, objects, log }: Deps): Promise<void> {
  const deps = { databases, clock, queue };
  const startedAt = clock.now().getTime();
  await queue.work(agentChanged, async (changed) => {
    for (const each of changed) await planRuns(deps, each);
  });
  await queue.work(planChanged, async (changed) => {
    for (const each of changed) await planRuns(deps, each);
  });
  await queue.work(startPlannedRun, async (due) => await startPlannedRuns(deps, due));
  await queue.work(offerJob, async (offers) => await offerJobs(deps, offers));
  await queue.work(endLost, async () => {
    await reviveOverdueRuns(deps);
    await endExpiredGrants(deps);
    // A server that was away itself has heard nobody: it gives every agent a whole lease to speak up.
    if (clock.now().getTime() - startedAt < leaseMs) return;
    const lost = await endLostJobs(deps);
    if (lost.length > 0) log.warn({ jobs: lost }, "ended jobs whose agents were not heard of");
  });
  await queue.work(cleanUpTask, async () => await cleanUp(deps));
  await queue.work(jobEnded, async (ended) => await afterJobs(deps, ended));
  const apply = { retention: applyRetention, quarantine: applyQuarantineDays };
  await queue.work(applyDelayedChange, async (due) => await applyDelayedChanges({ ...deps, apply }, due));
  await queue.work(bringBack, async (undeletes) => {
    for (const each of undeletes) await continueUndelete({ ...deps, objects, log }, each);
  });
  await queue.work(purgeTask, async () => {
    await reviveUndeletes(deps);
    await purgeQuarantine({ ...deps, objects });
  });
  await queue.work(countUsageTask, async () => await countUsage(deps));
}
