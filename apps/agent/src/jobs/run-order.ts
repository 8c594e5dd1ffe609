import type { Order } from "@saveos/contract";
import { endOfWork } from "./end-of-work.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import type { OrderDeps } from "./order-deps.ts";
import { runBackupOrder } from "./run-backup-order.ts";
import { runCheckOrder } from "./run-check-order.ts";
import { withHooks } from "./run-hooks.ts";
import { runRestoreOrder } from "./run-restore-order.ts";

/** Does what an order says. Never rejects: what goes wrong is how the job ends. */
export async function runOrder(deps: OrderDeps, order: Order, run: JobRun): Promise<JobEnd> {
  switch (order.kind) {
    case "backup":
      return await withHooks(deps, order, run, async () => await runBackupOrder(deps, order, run));
    case "restore":
      return await endOfWork(deps.log, run, async () => await runRestoreOrder(deps, order, run));
    case "check":
      return await endOfWork(deps.log, run, async () => await runCheckOrder(deps, order, run));
    case "forget":
    case "prune":
    case "repair":
      return { outcome: "failed", error: "invalid-order", reason: `This agent can't ${order.kind} yet` };
  }
}
