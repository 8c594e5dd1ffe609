import type { PolicyOf } from "./policy.ts";

/** `use` is restic's own protocol, with which objects are read, written and deleted. */
export const repositoryPolicy: PolicyOf<"repositories"> = {
  "repositories:read": "viewer",
  "repositories:change": "administrator",
  "repositories:use": "administrator",
};
