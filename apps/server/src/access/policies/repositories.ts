import type { PolicyOf } from "./policy.ts";

/** `use` is restic's own protocol, with which objects are read and written. `delete` decides what may be deleted, and so is never enough by itself. */
export const repositoryPolicy: PolicyOf<"repositories"> = {
  "repositories:read": "viewer",
  "repositories:change": "administrator",
  "repositories:use": "administrator",
  "repositories:delete": "administrator",
};
