export { backupOrderOf } from "./backup-order-of.ts";
export { attachPlan } from "./change-plan.ts";
export { planChanged, planRuns } from "./plan-runs.ts";
export { findPlan } from "./queries.ts";
export { reviveOverdueRuns } from "./revive-overdue-runs.ts";
export { planRoutes } from "./routes.ts";
export { startPlannedRun } from "./start-planned-run.ts";
export { startPlannedRuns } from "./start-planned-runs.ts";
