import { z } from "zod";

/** What a member of a tenant may do, each more than the one before it. */
export const role = z.enum(["viewer", "operator", "administrator", "owner"]);
export type Role = z.infer<typeof role>;

/** Everything that somebody can be allowed to do. An API key may be cut down to some of these; they are its scopes. */
export const permission = z.enum([
  "agents:read",
  "agents:provision",
  "agents:change",
  "agents:revoke",
  "api-keys:read",
  "api-keys:change",
  "audit:read",
  "events:read",
  "jobs:read",
  "jobs:run",
  "jobs:restore",
  "jobs:cancel",
  "monitoring:read",
  "plans:read",
  "plans:change",
  "repositories:read",
  "repositories:change",
  "repositories:use",
  "repositories:delete",
  "snapshots:read",
  "tenants:read",
  "tenants:change",
  "tenants:create",
  "users:read",
  "users:change",
  "vault:read",
  "vault:open",
  "vault:change",
  "verification:read",
  "verification:run",
]);
export type Permission = z.infer<typeof permission>;

/** Whether who is `has` also has `wanted`, or more. */
export function isAtLeast(has: Role, wanted: Role): boolean {
  return role.options.indexOf(has) >= role.options.indexOf(wanted);
}
