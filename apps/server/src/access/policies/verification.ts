import type { PolicyOf } from "./policy.ts";

/** To have a repository read now costs the storage something, and changes nothing. */
export const verificationPolicy: PolicyOf<"verification"> = {
  "verification:read": "viewer",
  "verification:run": "operator",
};
