import type { PolicyOf } from "./policy.ts";

/** A machine's enrolment and credential open what it backed up: that is for who administers. */
export const agentPolicy: PolicyOf<"agents"> = {
  "agents:read": "viewer",
  "agents:provision": "administrator",
  "agents:change": "administrator",
  "agents:revoke": "administrator",
};
