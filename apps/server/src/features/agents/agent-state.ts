import { type Agent, heartbeatWaitMaxSeconds } from "@saveos/contract";
import type { Selectable } from "kysely";
import type { AgentsTable } from "../../database/schema.ts";

/** Three waits: one heartbeat may be lost to the network, one to a busy disk. */
const silenceMaxMs = 3 * heartbeatWaitMaxSeconds * 1000;

/** An agent heard of since then is online. */
export function onlineSince(now: Date): Date {
  return new Date(now.getTime() - silenceMaxMs);
}

export function stateOf(
  agent: Pick<Selectable<AgentsTable>, "registered_at" | "last_seen_at" | "revoked_at">,
  now: Date,
): Agent["state"] {
  if (agent.revoked_at !== null) return "revoked";
  if (agent.registered_at === null) return "provisioned";
  return agent.last_seen_at !== null && agent.last_seen_at >= onlineSince(now) ? "online" : "offline";
}
