export { cancelJobsOfAgent, endLostJobs } from "./end-lost-jobs.ts";
export { leaseMs } from "./lease.ts";
export { markDelivered, ordersForAgent, type OrdersForAgent, renewLeases } from "./orders-for-agent.ts";
export { countByState } from "./queries.ts";
export { queueJob } from "./queue-job.ts";
export { jobRoutes } from "./routes.ts";
