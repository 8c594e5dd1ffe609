import { type Agent, type AgentStats, uuid } from "@saveos/contract";
import { type Kysely, type RawBuilder, type Selectable, sql, type SqlBool } from "kysely";
import { z } from "zod";
import type { AgentsTable, Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { onlineSince, stateOf } from "./agent-state.ts";

type AgentRow = Selectable<AgentsTable>;

export async function findAgent(database: Kysely<Database>, agentId: string): Promise<AgentRow | undefined> {
  return await database.selectFrom("agents").selectAll().where("id", "=", agentId).executeTakeFirst();
}

export interface AgentFilter {
  readonly state?: Agent["state"] | undefined;
  readonly platform?: NonNullable<Agent["platform"]> | undefined;
  readonly tag?: string | undefined;
  /** A part of the host name, whatever the case. */
  readonly hostname?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A part of the agents, by host name. */
export async function listAgents(
  database: Kysely<Database>,
  now: Date,
  { state, platform, tag, hostname, cursor, limit }: AgentFilter,
): Promise<{ readonly rows: readonly AgentRow[]; readonly nextCursor: string | null }> {
  const after = placeOf(cursor, z.string(), uuid);
  let query = database
    .selectFrom("agents")
    .selectAll()
    .orderBy("hostname")
    .orderBy("id")
    .limit(limit + 1);
  if (state !== undefined) query = query.where(isInState(state, now));
  if (platform !== undefined) query = query.where("platform", "=", platform);
  if (tag !== undefined) query = query.where(sql<boolean>`tags @> array[${tag}]`);
  if (hostname !== undefined) query = query.where(sql<boolean>`strpos(lower(hostname), lower(${hostname})) > 0`);
  if (after !== undefined) query = query.where(sql<boolean>`(hostname, id) > (${after[0]}, ${after[1]}::uuid)`);
  return pageOf(await query.execute(), limit, (row) => [row.hostname, row.id]);
}

/** `stateOf`, as the database has it. */
function isInState(state: Agent["state"], now: Date): RawBuilder<SqlBool> {
  if (state === "revoked") return sql`revoked_at is not null`;
  if (state === "provisioned") return sql`revoked_at is null and registered_at is null`;
  const isOnline = sql`coalesce(last_seen_at >= ${onlineSince(now)}, false)`;
  const isEnrolled = sql`revoked_at is null and registered_at is not null`;
  return state === "online" ? sql`${isEnrolled} and ${isOnline}` : sql`${isEnrolled} and not ${isOnline}`;
}

type AgentCounts = Omit<AgentStats, "snapshots" | "stored_bytes">;

/** How many agents are in each state, told apart as `stateOf` does. `filledRepositories` are those with a snapshot. */
export async function countAgents(
  database: Kysely<Database>,
  now: Date,
  filledRepositories: readonly string[],
): Promise<AgentCounts> {
  const { rows } = await sql<Record<keyof AgentCounts, bigint>>`
    select
      count(*) as total,
      count(*) filter (where ${isInState("revoked", now)}) as revoked,
      count(*) filter (where ${isInState("provisioned", now)}) as provisioned,
      count(*) filter (where ${isInState("online", now)}) as online,
      count(*) filter (where ${isInState("offline", now)}) as offline,
      count(*) filter (
        where revoked_at is null and registered_at is not null and repository_id <> all(${filledRepositories}::uuid[])
      ) as never_backed_up
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
    time_zone: row.time_zone,
    recipient: row.recipient,
    repository_id: row.repository_id,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at?.toISOString() ?? null,
    last_snapshot_at: lastSnapshotAt?.toISOString() ?? null,
    identity_conflict_at: row.identity_conflict_at?.toISOString() ?? null,
  };
}
