import type { PolicyOf } from "./policy.ts";

/** New tenants are made by the owners of the server's first one: `createTenant` sees to that. */
export const tenantPolicy: PolicyOf<"tenants"> = {
  "tenants:read": "viewer",
  "tenants:change": "administrator",
  "tenants:create": "owner",
};
