import { z } from "zod";
import { nextCursor } from "./pages.ts";
import { vaultPin } from "../vault.ts";
import { count, hostname, platform, recipient, timestamp, timeZone, uuid } from "../primitives.ts";

export const provisionRequest = z
  .strictObject({
    hostname,
    platform: platform.optional(),
    tags: z.array(z.string().min(1).max(256)).max(100).default([]),
    /** A plan that the machine is to have from the start, beside those for its tags. */
    plan_id: uuid.optional(),
    /** How long the enrolment token lives. */
    expires_in_hours: z
      .number()
      .positive()
      .max(24 * 30)
      .default(24),
    /** A machine that takes over an existing repository, such as new hardware after a loss. */
    repository_id: uuid.optional(),
  })
  .meta({ examples: [{ hostname: "web-1", platform: "linux", tags: ["web"] }] });
export type ProvisionRequest = z.input<typeof provisionRequest>;

/** Everything a machine needs to enrol, in one file. The token works once. */
export const enrolment = z.strictObject({
  server_url: z.url(),
  /** PEM of the authority that signed the server's certificate: the only one the agent will trust. */
  certificate_authority: z.string().min(1),
  token: z.string().min(1),
  /** The tenant's vault, which the machine pins: from then on it believes nobody but the vault itself that it is another. */
  vault: vaultPin.optional(),
});
export type Enrolment = z.infer<typeof enrolment>;

export const provisionResponse = z.strictObject({
  agent_id: uuid,
  expires_at: timestamp,
  enrolment,
  /** Where the agent's program is, for the platform that was named. The enrolment token is the credential for it. */
  package_url: z.url().nullable(),
});
export type ProvisionResponse = z.infer<typeof provisionResponse>;

export const registerRequest = z.strictObject({
  token: z.string().min(1).max(512),
  hostname,
  platform,
  agent_version: z.string().min(1).max(64),
  machine_id: z.string().min(1).max(128),
  /** An agent that doesn't say it has its plans run by UTC. */
  time_zone: timeZone.default("UTC"),
  /** What is sealed to it, such as which files to restore, the server can't read. Null: nothing can be sealed to this agent. */
  recipient: recipient.nullable().default(null),
});
export type RegisterRequest = z.infer<typeof registerRequest>;

export const registerResponse = z.strictObject({
  agent_id: uuid,
  /** Shown once; the server keeps its hash only. */
  credential: z.string(),
  repository_id: uuid,
  /** The repository's address below the server's, for restic's REST protocol. */
  repository_path: z.string(),
});
export type RegisterResponse = z.infer<typeof registerResponse>;

/** `provisioned`: has not enrolled yet. `offline`: no heartbeat for a while. `revoked`: its credential opens nothing any more. */
export const agentState = z.enum(["provisioned", "online", "offline", "revoked"]);

export const agent = z.strictObject({
  id: uuid,
  hostname,
  platform: platform.nullable(),
  tags: z.array(z.string()),
  state: agentState,
  agent_version: z.string().nullable(),
  /** By which its plans run. */
  time_zone: z.string(),
  /** What is sealed to it, only this agent can open. */
  recipient: z.string().nullable(),
  repository_id: uuid.nullable(),
  created_at: timestamp,
  last_seen_at: timestamp.nullable(),
  /** When the server received the newest snapshot of the agent's repository. */
  last_snapshot_at: timestamp.nullable(),
  /** When two machines were last seen to use this agent's credential. */
  identity_conflict_at: timestamp.nullable(),
});
export type Agent = z.infer<typeof agent>;

/** By host name. */
export const agentList = z.strictObject({ agents: z.array(agent), next_cursor: nextCursor });

export const agentChange = z.strictObject({ tags: z.array(z.string().min(1).max(256)).max(100) });

export const agentStats = z.strictObject({
  total: count,
  provisioned: count,
  online: count,
  offline: count,
  revoked: count,
  /** Enrolled, but without any snapshot. */
  never_backed_up: count,
  snapshots: count,
  /** Bytes of all objects stored. */
  stored_bytes: count,
});
export type AgentStats = z.infer<typeof agentStats>;
