export { agentChanged } from "./agent-changed.ts";
export { agentStatistics } from "./agent-statistics.ts";
export { forgetOldSessions } from "./enter-session.ts";
export { findAgent } from "./queries.ts";
export { agentRoutes } from "./routes.ts";
