import type { PolicyOf } from "./policy.ts";

/** It holds people's addresses. */
export const auditPolicy: PolicyOf<"audit"> = { "audit:read": "administrator" };
