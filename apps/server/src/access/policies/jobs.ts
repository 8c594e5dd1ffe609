import type { PolicyOf } from "./policy.ts";

/** Operators run things. A restore writes on a machine, but only what was backed up in this tenant. */
export const jobPolicy: PolicyOf<"jobs"> = {
  "jobs:read": "viewer",
  "jobs:run": "operator",
  "jobs:restore": "operator",
  "jobs:cancel": "operator",
};
