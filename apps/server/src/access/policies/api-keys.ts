import type { PolicyOf } from "./policy.ts";

/** Nobody makes a key that may do more than they may themselves: `createApiKey` sees to that. */
export const apiKeyPolicy: PolicyOf<"api-keys"> = {
  "api-keys:read": "administrator",
  "api-keys:change": "administrator",
};
