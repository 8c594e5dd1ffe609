import type { HeartbeatRequest } from "@saveos/contract";
import { type Kysely, sql, type Transaction } from "kysely";
import { wakeAgent } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { plannedOnce } from "../../database/planned-once.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { hasPendingJobs } from "../jobs/index.ts";
import { vaultVersion } from "../vault/index.ts";
import { agentChanged } from "./agent-changed.ts";
import { onlineSince } from "./agent-state.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

type Heartbeat = Pick<HeartbeatRequest, "machine_id" | "session_id" | "hostname" | "agent_version" | "time_zone">;

export type Entry =
  /** Without orders there is no job that waits for the agent. The vault's version is 0 without one. */
  | { readonly entered: true; readonly hasOrders: boolean; readonly vaultVersion: number }
  /** `machine`: the credential was carried to another machine. `session`: a newer session has taken this one's place. */
  | { readonly entered: false; readonly conflict: "machine" | "session" | "revoked" };

/**
 * Takes a heartbeat as a sign of life of one session of an agent, or finds that two machines use one identity.
 *
 * The newest session is the live one: an agent that was killed and starts again is let in at once, however recently its old self was heard. Who speaks in a
 * session that a newer one has replaced proves that both are alive, since a restarted program never uses its old session: that one is refused, and the
 * conflict is noted for the administrator. A clone of a machine thus shows itself within seconds of its start.
 */
export async function enterSession(
  { database, clock, queue }: Deps,
  { tenantId, agentId }: { readonly tenantId: string; readonly agentId: string },
  heartbeat: Heartbeat,
): Promise<Entry> {
  const now = clock.now();
  const continued = await continueSession(database, agentId, heartbeat, now);
  if (continued !== undefined) return { entered: true, ...continued };
  return await database.transaction().execute(async (transaction): Promise<Entry> => {
    const agent = await transaction
      .selectFrom("agents")
      .select(["machine_id", "revoked_at", "time_zone"])
      .where("id", "=", agentId)
      .forUpdate()
      .executeTakeFirst();
    if (agent === undefined || agent.revoked_at !== null) return { entered: false, conflict: "revoked" };
    if (agent.machine_id !== heartbeat.machine_id) return await noteConflict(transaction, agentId, now, "machine");
    if (!(await isLive(transaction, agentId, heartbeat.session_id, now))) {
      return await noteConflict(transaction, agentId, now, "session");
    }
    const { hostname, agent_version, time_zone } = heartbeat;
    await transaction
      .updateTable("agents")
      .set({ last_seen_at: now, hostname, agent_version, time_zone })
      .where("id", "=", agentId)
      .execute();
    if (agent.time_zone !== time_zone) {
      await queue.enqueue(transaction, agentChanged, [{ data: { tenantId, agentId } }]);
    }
    await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
    const { rows } = await sql<{ version: number }>`select ${vaultVersion} as version`.execute(transaction);
    return { entered: true, hasOrders: true, vaultVersion: rows[0]?.version ?? 0 };
  });
}

/**
 * Notes the sign of life of an agent that goes on as it was, and tells whether a job waits for it: nearly every heartbeat, so it is one statement. It needn't
 * survive a crash of the database, so the disk isn't waited for: the next one comes within the minute. Undefined if anything is new, such as the session.
 */
async function continueSession(
  database: Kysely<Database>,
  agentId: string,
  heartbeat: Heartbeat,
  now: Date,
): Promise<{ readonly hasOrders: boolean; readonly vaultVersion: number } | undefined> {
  const { rows } = await sql<{ hasOrders: boolean; vaultVersion: number }>`${plannedOnce}
    update agents set last_seen_at = ${now}
    where id = ${agentId} and revoked_at is null and machine_id = ${heartbeat.machine_id} and hostname = ${heartbeat.hostname}
      and agent_version = ${heartbeat.agent_version} and time_zone = ${heartbeat.time_zone} and last_seen_at >= ${onlineSince(now)}
      and exists (
        select from agent_sessions
        where agent_id = agents.id and session_id = ${heartbeat.session_id} and superseded_at is null
      )
      and set_config('synchronous_commit', 'off', true) = 'off'
    returning ${hasPendingJobs(sql`agents.id`)} as "hasOrders", ${vaultVersion} as "vaultVersion"`.execute(database);
  return rows[0];
}

/** Whether the session is the agent's live one, which a new one becomes. */
async function isLive(
  transaction: Transaction<Database>,
  agentId: string,
  sessionId: string,
  now: Date,
): Promise<boolean> {
  const known = await transaction
    .selectFrom("agent_sessions")
    .select("superseded_at")
    .where("agent_id", "=", agentId)
    .where("session_id", "=", sessionId)
    .executeTakeFirst();
  if (known === undefined) {
    await startSession(transaction, agentId, sessionId, now);
    return true;
  }
  return known.superseded_at === null;
}

async function startSession(
  transaction: Transaction<Database>,
  agentId: string,
  sessionId: string,
  now: Date,
): Promise<void> {
  await transaction
    .updateTable("agent_sessions")
    .set({ superseded_at: now })
    .where("agent_id", "=", agentId)
    .where("superseded_at", "is", null)
    .execute();
  await transaction
    .insertInto("agent_sessions")
    .values({ agent_id: agentId, session_id: sessionId, started_at: now, last_seen_at: now, superseded_at: null })
    .execute();
  // The old session may be waiting in a heartbeat: it learns at once that it was replaced.
  await wakeAgent(transaction, agentId);
}

async function noteConflict(
  transaction: Transaction<Database>,
  agentId: string,
  now: Date,
  conflict: "machine" | "session",
): Promise<Entry> {
  await transaction.updateTable("agents").set({ identity_conflict_at: now }).where("id", "=", agentId).execute();
  await publish(transaction, { type: "agent", id: agentId, agent_id: agentId });
  return { entered: false, conflict };
}

/** A session replaced this long ago is forgotten. Should it still be alive, it starts over as the newest one, and the other is refused. */
const sessionMemoryMs = 7 * 24 * 60 * 60 * 1000;

/** Keeps an agent that restarts every few seconds from filling the table. Returns how many sessions were forgotten. */
export async function forgetOldSessions({ database, clock }: Omit<Deps, "queue">): Promise<number> {
  const before = new Date(clock.now().getTime() - sessionMemoryMs);
  const { rows } = await sql`delete from agent_sessions where superseded_at < ${before} returning 1`.execute(database);
  return rows.length;
}
