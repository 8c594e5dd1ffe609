import { type Plan, type PlanContent, uuid } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import { z } from "zod";
import type { Database, PlansTable } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

export type PlanRow = Selectable<PlansTable>;

export async function findPlan(
  database: Kysely<Database>,
  planId: string,
  { forUpdate = false } = {},
): Promise<PlanRow | undefined> {
  let query = database.selectFrom("plans").selectAll().where("id", "=", planId);
  if (forUpdate) query = query.forUpdate();
  return await query.executeTakeFirst();
}

/** A part of the plans, by name. */
export async function listPlans(
  database: Kysely<Database>,
  {
    enabled,
    agent_id,
    cursor,
    limit,
  }: { enabled?: boolean | undefined; agent_id?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<{ plans: Plan[]; next_cursor: string | null }> {
  const after = placeOf(cursor, z.string(), uuid);
  let query = database
    .selectFrom("plans")
    .selectAll()
    .orderBy("name")
    .orderBy("id")
    .limit(limit + 1);
  if (enabled !== undefined) query = query.where("enabled", "=", enabled);
  if (agent_id !== undefined)
    query = query.where(
      sql<boolean>`id in (select plan_id from (${plansOfAgents}) as each where agent_id = ${agent_id})`,
    );
  if (after !== undefined) query = query.where(sql<boolean>`(name, id) > (${after[0]}, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.name, row.id]);
  return { plans: await toPlans(database, rows), next_cursor: nextCursor };
}

/** Rows as the API shows them. */
export async function toPlans(database: Kysely<Database>, rows: readonly PlanRow[]): Promise<Plan[]> {
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const { rows: facts } = await sql<{
    plan_id: string;
    agents: number;
    agent_ids: string[];
    next_run_at: Date | null;
    pending_retention: Plan["pending_retention"];
  }>`
    select plan_id,
      (select count(*)::int from (${plansOfAgents}) as each where each.plan_id = wanted.plan_id) as agents,
      array(select agent_id::text from plan_agents where plan_agents.plan_id = wanted.plan_id order by agent_id) as agent_ids,
      (select min(due_at) from planned_runs where planned_runs.plan_id = wanted.plan_id) as next_run_at,
      (
        select json_build_object('retention', change -> 'to', 'applies_at', to_char(applies_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        from delayed_changes where delayed_changes.plan_id = wanted.plan_id
      ) as pending_retention
    from unnest(${ids}::uuid[]) as wanted (plan_id)`.execute(database);
  const byPlan = new Map(facts.map((each) => [each.plan_id, each]));
  return rows.map((row) => {
    const found = byPlan.get(row.id);
    return {
      id: row.id,
      name: row.name,
      enabled: row.enabled,
      ...row.content,
      pending_retention: found?.pending_retention ?? null,
      agent_ids: found?.agent_ids ?? [],
      agent_tags: row.agent_tags,
      agents: found?.agents ?? 0,
      next_run_at: found?.next_run_at?.toISOString() ?? null,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    };
  });
}

/** Every pair of a plan and an agent that has it: by name or by a tag, and enrolled. */
const plansOfAgents = sql`
  select plans.id as plan_id, agents.id as agent_id
  from plans join agents on agents.registered_at is not null and agents.revoked_at is null
    and (
      agents.tags && plans.agent_tags
      or exists (select from plan_agents where plan_agents.plan_id = plans.id and plan_agents.agent_id = agents.id)
    )`;

/** An agent as a plan sees it, with what is planned for the two. */
export interface Pair {
  readonly plan_id: string;
  readonly enabled: boolean;
  readonly content: PlanContent;
  readonly plan_version: number;
  readonly agent_id: string;
  readonly hostname: string;
  readonly platform: "linux" | "windows" | "macos" | null;
  readonly time_zone: string;
  /** What is planned now, and what it was worked out from. */
  readonly due_at: Date | null;
  readonly planned_version: number | null;
  readonly planned_zone: string | null;
}

/** The pairs of one plan, or of one agent, by agent and plan; at most so many, behind the place `after`. */
export async function selectPairs(
  database: Kysely<Database>,
  of:
    | { readonly planId: string }
    | { readonly agentId: string }
    | { readonly planId: string; readonly agentId: string },
  { after, limit }: { after?: Pair | undefined; limit: number },
): Promise<Pair[]> {
  const planId = "planId" in of ? of.planId : null;
  const agentId = "agentId" in of ? of.agentId : null;
  const { rows } = await sql<Pair>`
    select each.plan_id, plans.enabled, plans.content, plans.version as plan_version, each.agent_id,
      agents.hostname, agents.platform, agents.time_zone,
      planned.due_at, planned.plan_version as planned_version, planned.time_zone as planned_zone
    from (${plansOfAgents}) as each
      join plans on plans.id = each.plan_id
      join agents on agents.id = each.agent_id
      left join planned_runs as planned on planned.plan_id = each.plan_id and planned.agent_id = each.agent_id
    where (${planId}::uuid is null or each.plan_id = ${planId}::uuid)
      and (${agentId}::uuid is null or each.agent_id = ${agentId}::uuid)
      and (${after?.agent_id ?? null}::uuid is null or (each.agent_id, each.plan_id) > (${after?.agent_id ?? null}::uuid, ${after?.plan_id ?? null}::uuid))
    order by each.agent_id, each.plan_id
    limit ${limit}`.execute(database);
  return rows;
}

/** Takes away what is planned for pairs that no longer are, or that don't run by the clock. */
export async function deleteStaleRuns(
  database: Kysely<Database>,
  of: { readonly planId: string } | { readonly agentId: string },
): Promise<void> {
  const which = "planId" in of ? sql`planned_runs.plan_id = ${of.planId}` : sql`planned_runs.agent_id = ${of.agentId}`;
  await sql`
    delete from planned_runs where ${which} and not exists (
      select from (${plansOfAgents}) as each join plans on plans.id = each.plan_id
      where each.plan_id = planned_runs.plan_id and each.agent_id = planned_runs.agent_id
        and plans.enabled and jsonb_typeof(plans.content -> 'schedule') = 'object'
    )`.execute(database);
}
