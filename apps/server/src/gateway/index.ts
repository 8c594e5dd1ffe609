export type { GatewayCaller } from "./caller.ts";
export type { GatewayDeps } from "./deps.ts";
export { nameOf } from "./ledger.ts";
export { endGrants, grantToJob, grantToKey, isBeingDeleted, type GrantRow, type NewGrant } from "./deletion-grants.ts";
export {
  countSnapshots,
  newestSnapshots,
  newestSnapshotsOf,
  type SnapshotObject,
  selectSnapshotObjects,
  storageStats,
} from "./queries.ts";
export { oneAtATime } from "./one-at-a-time.ts";
export { bringObjectBack, purgeObject } from "./quarantine.ts";
export { reconcileLedger, reconcileLedgers } from "./reconcile-ledger.ts";
export { registerGateway } from "./register-gateway.ts";
export { countTransfers, type Transfers } from "./transfers.ts";
