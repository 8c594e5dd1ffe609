export { afterJobs } from "./apply-retention.ts";
export { retentionRoutes } from "./routes.ts";
