import type { PolicyOf } from "./policy.ts";

export const monitoringPolicy: PolicyOf<"monitoring"> = { "monitoring:read": "viewer" };
