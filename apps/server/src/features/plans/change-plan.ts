import { randomUUID } from "node:crypto";
import { planContent, type PlanRequest, type Retention } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { Kysely, Transaction } from "kysely";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf, recordAudit } from "../audit/index.ts";
import { type ApplyChange, delayChange, dropDelayed, findDelayed } from "../delayed-changes/index.ts";
import { isSameRetention, isShorter } from "./is-shorter.ts";
import { findPlan, type PlanRow } from "./queries.ts";
import { planChanged } from "./plan-runs.ts";
import { checkSchedule } from "./schedule/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

interface Asking {
  readonly caller: Operator;
  readonly request: FastifyRequest;
}

/** Makes a plan. Returns its id. 400 names an agent that there isn't or a schedule that makes no sense. */
export async function createPlan(deps: Deps, asking: Asking, wanted: PlanRequest): Promise<string> {
  return await inTransaction(deps.database, async (transaction) => {
    const id = randomUUID();
    const now = deps.clock.now();
    const { row, agentIds } = await checked(transaction, wanted);
    await transaction
      .insertInto("plans")
      .values({ id, ...row, created_at: now, updated_at: now })
      .execute();
    await setAgents(transaction, id, agentIds);
    await announce(deps, transaction, asking, { id, name: row.name, action: "plan.created" });
    return id;
  });
}

/** Replaces a plan by another. */
export async function replacePlan(deps: Deps, asking: Asking, planId: string, wanted: PlanRequest): Promise<void> {
  await inTransaction(deps.database, async (transaction) => {
    const held = await heldPlan(transaction, asking, planId);
    const retention = await retentionFor(deps, transaction, asking, held, wanted.retention);
    const { row, agentIds } = await checked(transaction, { ...wanted, retention });
    await transaction
      .updateTable("plans")
      .set({ ...row, updated_at: deps.clock.now(), version: held.version + 1 })
      .where("id", "=", planId)
      .execute();
    await transaction.deleteFrom("plan_agents").where("plan_id", "=", planId).execute();
    await setAgents(transaction, planId, agentIds);
    await announce(deps, transaction, asking, { id: planId, name: row.name, action: "plan.changed" });
  });
}

/**
 * The retention that counts from now on: a longer one at once. A shorter one waits a day beside the one that counts; asked for again, or for neither, the one that waits
 * goes on waiting.
 */
async function retentionFor(
  { clock, queue }: Deps,
  transaction: Transaction<Database>,
  { caller, request }: Asking,
  { id, content }: PlanRow,
  wanted: Retention,
): Promise<Retention> {
  const { retention: now } = content;
  if (isSameRetention(wanted, now)) return now;
  const of = { kind: "retention", plan_id: id } as const;
  if (!isShorter(now, wanted)) {
    await dropDelayed(transaction, of);
    return wanted;
  }
  const waiting = (await findDelayed(transaction, of))?.change;
  if (waiting?.kind !== "retention" || !isSameRetention(waiting.to, wanted)) {
    const asking = { tenantId: caller.tenantId, by: actorOf(caller, request) };
    await delayChange({ transaction, clock, queue }, asking, { ...of, from: now, to: wanted });
  }
  return now;
}

/** Makes a shorter retention count, after its day. */
export const applyRetention: ApplyChange["retention"] = async ({ transaction, clock }, { plan_id: id, to }) => {
  const held = await findPlan(transaction, id, { forUpdate: true });
  if (held === undefined) return;
  await transaction
    .updateTable("plans")
    .set({
      content: JSON.stringify({ ...held.content, retention: to }),
      updated_at: clock.now(),
      version: held.version + 1,
    })
    .where("id", "=", id)
    .execute();
  await publish(transaction, { type: "plan", id, agent_id: null });
};

/** Removes a plan. What it backed up stays, and so do its jobs. */
export async function deletePlan(deps: Deps, asking: Asking, planId: string): Promise<void> {
  await inTransaction(deps.database, async (transaction) => {
    const { name } = await heldPlan(transaction, asking, planId);
    await transaction.deleteFrom("plans").where("id", "=", planId).execute();
    await announce(deps, transaction, asking, { id: planId, name, action: "plan.deleted" });
  });
}

/** Gives one agent a plan, beside those for its tags. 400 if there is no such plan. */
export async function attachPlan(transaction: Transaction<Database>, planId: string, agentId: string): Promise<void> {
  if ((await findPlan(transaction, planId)) === undefined) {
    throw new ProblemError(400, `There is no plan ${planId}.`, {
      fields: [{ pointer: "/plan_id", message: "there is no such plan" }],
    });
  }
  await transaction.insertInto("plan_agents").values({ plan_id: planId, agent_id: agentId }).execute();
}

async function heldPlan(transaction: Transaction<Database>, { request }: Asking, planId: string): Promise<PlanRow> {
  const held = await findPlan(transaction, planId, { forUpdate: true });
  if (held === undefined) throw notFound("plan");
  requireMatch(request, held.version);
  return held;
}

async function checked(
  transaction: Transaction<Database>,
  { name, enabled, agent_ids, agent_tags, ...content }: PlanRequest,
) {
  requireGoodSchedule(content.schedule);
  const agentIds = [...new Set(agent_ids)];
  await requireAgents(transaction, agentIds);
  const stored = JSON.stringify(planContent.parse(content));
  return { row: { name, enabled, agent_tags: [...new Set(agent_tags)], content: stored }, agentIds };
}

/** Refuses with 400 a schedule that makes no sense. */
export function requireGoodSchedule(schedule: PlanRequest["schedule"]): void {
  const wrong = schedule === null ? undefined : checkSchedule(schedule);
  if (wrong === undefined) return;
  throw new ProblemError(400, `The schedule can't be used. ${wrong}`, {
    fields: [{ pointer: "/schedule", message: wrong }],
  });
}

async function requireAgents(transaction: Transaction<Database>, agentIds: readonly string[]): Promise<void> {
  if (agentIds.length === 0) return;
  const found = await transaction.selectFrom("agents").select("id").where("id", "in", agentIds).execute();
  const known = new Set(found.map(({ id }) => id));
  const fields = agentIds.flatMap((id, i) =>
    known.has(id) ? [] : [{ pointer: `/agent_ids/${i}`, message: "there is no such agent" }],
  );
  if (fields.length > 0) throw new ProblemError(400, "The plan names agents that there aren't.", { fields });
}

async function setAgents(
  transaction: Transaction<Database>,
  planId: string,
  agentIds: readonly string[],
): Promise<void> {
  if (agentIds.length === 0) return;
  await transaction
    .insertInto("plan_agents")
    .values(agentIds.map((agent_id) => ({ plan_id: planId, agent_id })))
    .execute();
}

async function announce(
  { clock, queue }: Deps,
  transaction: Transaction<Database>,
  { caller, request }: Asking,
  { id, name, action }: { id: string; name: string; action: string },
): Promise<void> {
  await recordAudit(transaction, clock, { by: actorOf(caller, request), action, subject: { kind: "plan", id, name } });
  await queue.enqueue(transaction, planChanged, [{ data: { tenantId: caller.tenantId, planId: id } }]);
  await publish(transaction, { type: "plan", id, agent_id: null });
}
