export { cancelJobsOfAgent, endLost, endLostJobs } from "./end-lost-jobs.ts";
export { leaseMs } from "./lease.ts";
export { markDelivered, ordersForAgent, type OrdersForAgent, renewLeases } from "./orders-for-agent.ts";
export { countJobs, hasPendingJobs, restoresFrom, unfinishedJobOfPlan } from "./queries.ts";
export { queueJob } from "./queue-job.ts";
export { offerJob, offerJobs } from "./retry-failed-job.ts";
export { jobRoutes } from "./routes.ts";
