import type { Agent, AgentStats } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { AgentsTable, Database } from "../../database/schema.ts";
import { onlineSince, stateOf } from "./agent-state.ts";

type AgentRow = Selectable<AgentsTable>;

export async function findAgent(database: Kysely<Database>, agentId: string): Promise<AgentRow | undefined> {
  return await database.selectFrom("agents").selectAll().where("id", "=", agentId).executeTakeFirst();
}

/** By host name; those after the agent `after` in that order, if it is given. */
export async function listAgents(
  database: Kysely<Database>,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<AgentRow[]> {
  let query = database.selectFrom("agents").selectAll().orderBy("hostname").orderBy("id").limit(limit);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(hostname, id) > (select hostname, id from agents where id = ${after})`);
  }
  return await query.execute();
}

type AgentCounts = Omit<AgentStats, "snapshots" | "stored_bytes">;

/** How many agents are in each state, told apart as `stateOf` does. `filledRepositories` are those with a snapshot. */
export async function countAgents(
  database: Kysely<Database>,
  now: Date,
  filledRepositories: readonly string[],
): Promise<AgentCounts> {
  const isEnrolled = sql`revoked_at is null and registered_at is not null`;
  const isOnline = sql`coalesce(last_seen_at >= ${onlineSince(now)}, false)`;
  const { rows } = await sql<Record<keyof AgentCounts, bigint>>`
    select
      count(*) as total,
      count(*) filter (where revoked_at is not null) as revoked,
      count(*) filter (where revoked_at is null and registered_at is null) as provisioned,
      count(*) filter (where ${isEnrolled} and ${isOnline}) as online,
      count(*) filter (where ${isEnrolled} and not ${isOnline}) as offline,
      count(*) filter (where ${isEnrolled} and repository_id <> all(${filledRepositories}::uuid[])) as never_backed_up
    from agents`.execute(database);
  const counts = rows[0];
  return {
    total: Number(counts?.total),
    provisioned: Number(counts?.provisioned),
    online: Number(counts?.online),
    offline: Number(counts?.offline),
    revoked: Number(counts?.revoked),
    never_backed_up: Number(counts?.never_backed_up),
  };
}

/** A row as the API shows it. */
export function toAgent(row: AgentRow, now: Date, lastSnapshotAt: Date | undefined): Agent {
  return {
    id: row.id,
    hostname: row.hostname,
    platform: row.platform,
    tags: row.tags,
    state: stateOf(row, now),
    agent_version: row.agent_version,
    repository_id: row.repository_id,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at?.toISOString() ?? null,
    last_snapshot_at: lastSnapshotAt?.toISOString() ?? null,
    identity_conflict_at: row.identity_conflict_at?.toISOString() ?? null,
  };
}
