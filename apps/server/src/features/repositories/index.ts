export { countUsage, countUsageTask } from "./count-usage.ts";
export { repositoryRoutes } from "./routes.ts";
