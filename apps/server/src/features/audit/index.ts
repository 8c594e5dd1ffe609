export { actorOf, type Actor, nobodyAt, recordAudit, theServer } from "./record-audit.ts";
export { auditRoutes } from "./routes.ts";
