import type { Permission, Role } from "@saveos/contract";
import { agentPolicy } from "./agents.ts";
import { apiKeyPolicy } from "./api-keys.ts";
import { auditPolicy } from "./audit.ts";
import { eventPolicy } from "./events.ts";
import { jobPolicy } from "./jobs.ts";
import { monitoringPolicy } from "./monitoring.ts";
import { planPolicy } from "./plans.ts";
import { repositoryPolicy } from "./repositories.ts";
import { snapshotPolicy } from "./snapshots.ts";
import { tenantPolicy } from "./tenants.ts";
import { userPolicy } from "./users.ts";
import { vaultPolicy } from "./vault.ts";
import { verificationPolicy } from "./verification.ts";

/** The least role for everything that can be done. The compiler refuses a permission without one. */
export const leastRole: Readonly<Record<Permission, Role>> = {
  ...agentPolicy,
  ...apiKeyPolicy,
  ...auditPolicy,
  ...eventPolicy,
  ...jobPolicy,
  ...monitoringPolicy,
  ...planPolicy,
  ...repositoryPolicy,
  ...snapshotPolicy,
  ...tenantPolicy,
  ...userPolicy,
  ...vaultPolicy,
  ...verificationPolicy,
};
