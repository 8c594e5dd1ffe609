export { healthCheck } from "./check-health.ts";
export { createMetrics } from "./metrics.ts";
export { monitoringRoutes } from "./routes.ts";
