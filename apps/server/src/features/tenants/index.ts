export { tenantRoutes } from "./routes.ts";
export { applyQuarantineDays } from "./tenants.ts";
