import type { PolicyOf } from "./policy.ts";

/** Only owners make, change or remove owners: `requireMayManage` sees to that. */
export const userPolicy: PolicyOf<"users"> = { "users:read": "administrator", "users:change": "administrator" };
