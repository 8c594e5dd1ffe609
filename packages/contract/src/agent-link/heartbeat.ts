import { z } from "zod";
import { count, hostname, timestamp, timeZone, uuid } from "../primitives.ts";
import { vaultForAgents } from "../vault.ts";
import { order } from "./orders.ts";

/** The longest that the server holds a heartbeat open while no order comes. Below the 60 s at which common proxies give up. */
export const heartbeatWaitMaxSeconds = 30;

export const heartbeatRequest = z.strictObject({
  hostname,
  agent_version: z.string().min(1).max(64),
  /** Stays the same on one machine; a hash, so that it tells nothing else. */
  machine_id: z.string().min(1).max(128),
  /** Made anew at every start of the agent: two sessions at once mean two machines with one identity. */
  session_id: uuid,
  /** The zone of the machine's clock: plans go by it. */
  time_zone: timeZone.default("UTC"),
  running_jobs: z.array(uuid).max(100),
  /** The version of the tenant's vault that the agent has heard of; 0: of none. An agent that doesn't say is told nothing of it. */
  vault_version: count.optional(),
  /** How long the server may hold the answer back while there is no order. */
  wait_seconds: z.number().min(0).max(heartbeatWaitMaxSeconds),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const heartbeatResponse = z.strictObject({
  server_time: timestamp,
  orders: z.array(order),
  /** Jobs that the agent runs and should not: cancelled, or given up. */
  cancel_jobs: z.array(uuid),
  /** Seconds until the next heartbeat is due once this one is answered without an order. */
  next_heartbeat_seconds: count,
  /** The credential is old: ask for a new one (`POST /api/v1/agents/credential`). */
  rotate_credential: z.boolean(),
  /** There if the agent has heard of another version than this, or of another vault; null: there is none. */
  vault: vaultForAgents.nullable().optional(),
});
export type HeartbeatResponse = z.infer<typeof heartbeatResponse>;

/** A new credential. The one that asked for it works until the new one is first used, so an answer that is lost locks nobody out. */
export const credentialResponse = z.strictObject({ credential: z.string() });
export type CredentialResponse = z.infer<typeof credentialResponse>;
