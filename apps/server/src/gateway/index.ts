export type { GatewayCaller } from "./caller.ts";
export type { GatewayDeps } from "./deps.ts";
export { nameOf } from "./ledger.ts";
export {
  newestSnapshots,
  newestSnapshotsOf,
  type SnapshotObject,
  selectSnapshotObjects,
  storageStats,
} from "./queries.ts";
export { reconcileLedger, reconcileLedgers } from "./reconcile-ledger.ts";
export { registerGateway } from "./register-gateway.ts";
export { countTransfers, type Transfers } from "./transfers.ts";
