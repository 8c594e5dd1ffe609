export { cancelJobsOfAgent, endLost, endLostJobs } from "./end-lost-jobs.ts";
export { recordEnded } from "./grant-for-job.ts";
export { jobEnded } from "./job-ended.ts";
export { leaseMs } from "./lease.ts";
export { markDelivered, ordersForAgent, type OrdersForAgent, renewLeases } from "./orders-for-agent.ts";
export { countJobs, findJob, hasPendingJobs, unfinishedJobOfPlan, workOn } from "./queries.ts";
export { queueJob } from "./queue-job.ts";
export { offerJob, offerJobs } from "./retry-failed-job.ts";
export { jobRoutes } from "./routes.ts";
