export { endExpiredGrants } from "./end-expired-grants.ts";
export { purgeQuarantine, purgeTask } from "./purge-quarantine.ts";
export { deletionRoutes } from "./routes.ts";
export { bringBack, continueUndelete, reviveUndeletes } from "./undelete.ts";
