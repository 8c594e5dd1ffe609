import type { PolicyOf } from "./policy.ts";

export const snapshotPolicy: PolicyOf<"snapshots"> = { "snapshots:read": "viewer" };
