export { checkSchedule } from "./check-schedule.ts";
export { listRuns } from "./list-runs.ts";
export { nextRun } from "./next-run.ts";
export { windowOf } from "./window-of.ts";
