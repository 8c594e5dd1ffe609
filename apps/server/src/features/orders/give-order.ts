import type { backupRequest, checkRequest, forgetRequest, pruneRequest, restoreRequest } from "@saveos/contract";
import type { Kysely, Selectable } from "kysely";
import type { z } from "zod";
import { callerId, type Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { AgentsTable, Database, StoredOrder } from "../../database/schema.ts";
import { selectSnapshotObjects } from "../../gateway/index.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { queueJob, unfinishedJobOfPlan } from "../jobs/index.ts";
import { backupOrderOf, findPlan } from "../plans/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

interface Asking {
  readonly caller: Operator;
  readonly by: Actor;
}

/** Orders a backup: of paths, or of what a plan of the machine backs up. Returns the job's id. */
export async function orderBackup(
  deps: Deps,
  asking: Asking,
  request: z.output<typeof backupRequest>,
): Promise<string> {
  const agent = await requireAgent(deps.database, request.agent_id);
  const { paths, excludes, tags, plan_id: planId } = request;
  if (planId !== undefined) return await orderPlan(deps, asking, agent, planId);
  const nothingMore = { paths_if_present: [], hooks: { before: [], after: [] }, bandwidth: [] };
  return await give(deps, asking, agent, { kind: "backup", paths: paths ?? [], excludes, tags, ...nothingMore });
}

/** Orders a check of the machine's repository. Returns the job's id. */
export async function orderCheck(
  deps: Deps,
  asking: Asking,
  { agent_id, read_data_percent }: z.output<typeof checkRequest>,
): Promise<string> {
  const agent = await requireAgent(deps.database, agent_id);
  return await give(deps, asking, agent, { kind: "check", read_data_percent });
}

/**
 * Orders a restore, from the machine's own repository or from another one of the tenant, which it may then read for as long as the job lives. Returns the job's
 * id. 400 if there is no such repository or it has no such snapshot.
 */
export async function orderRestore(
  deps: Deps,
  asking: Asking,
  request: z.output<typeof restoreRequest>,
): Promise<string> {
  const { snapshot_id, target, overwrite, sealed } = request;
  const agent = await requireAgent(deps.database, request.agent_id);
  const repositoryId = request.repository_id ?? agent.repository_id ?? "";
  const [snapshot] = await selectSnapshotObjects(deps.database, { repositoryId, id: snapshot_id, limit: 1 });
  if (snapshot === undefined) {
    const fields = [{ pointer: "/snapshot_id", message: "there is no such snapshot in the repository" }];
    throw new ProblemError(400, "There is no such snapshot in the repository.", { fields });
  }
  requireKey(agent, repositoryId, sealed);
  const repository = { repository_id: repositoryId, repository_path: `/restic/${repositoryId}/` };
  return await give(deps, asking, agent, { kind: "restore", ...repository, snapshot_id, target, overwrite, sealed });
}

/** Orders a machine to forget snapshots that a person names. Returns the job's id. 400 if the repository has not all of them. */
export async function orderForget(
  deps: Deps,
  asking: Asking,
  { snapshot_ids, dry_run, ...request }: z.output<typeof forgetRequest>,
): Promise<string> {
  const agent = await requireAgent(deps.database, request.agent_id);
  const repository = await requireMaintainable(deps.database, agent, request);
  await requireSnapshots(deps.database, repository.repository_id, snapshot_ids);
  const ids = [...new Set(snapshot_ids)];
  return await give(deps, asking, agent, { kind: "forget", ...repository, dry_run, snapshot_ids: ids, plan_id: null });
}

/** Orders a machine to delete what no snapshot needs. Returns the job's id. */
export async function orderPrune(
  deps: Deps,
  asking: Asking,
  { dry_run, max_unused_percent, max_repack_bytes, max_delete_percent, ...request }: z.output<typeof pruneRequest>,
): Promise<string> {
  const agent = await requireAgent(deps.database, request.agent_id);
  const repository = await requireMaintainable(deps.database, agent, request);
  const limits = { max_unused_percent, max_repack_bytes, max_delete_percent, without_snapshot_ids: [] };
  return await give(deps, asking, agent, { kind: "prune", ...repository, dry_run, ...limits });
}

/** The machine's own repository, or another one of the tenant with its password: it may then be written to for as long as the job lives. */
async function requireMaintainable(
  database: Kysely<Database>,
  agent: Selectable<AgentsTable>,
  { repository_id: wanted, sealed }: { readonly repository_id?: string | undefined; readonly sealed: string | null },
) {
  const repository_id = wanted ?? agent.repository_id ?? "";
  const found = await database
    .selectFrom("repositories")
    .select("id")
    .where("id", "=", repository_id)
    .executeTakeFirst();
  if (found === undefined) {
    const fields = [{ pointer: "/repository_id", message: "there is no such repository" }];
    throw new ProblemError(400, "There is no such repository.", { fields });
  }
  requireKey(agent, repository_id, sealed);
  return { repository_id, repository_path: `/restic/${repository_id}/`, sealed };
}

async function requireSnapshots(database: Kysely<Database>, repositoryId: string, ids: readonly string[]) {
  const found = await database
    .selectFrom("objects")
    .select("name")
    .where("repository_id", "=", repositoryId)
    .where("kind", "=", "snapshots")
    .where("name", "in", [...ids])
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .execute();
  const known = new Set(found.map(({ name }) => name));
  const fields = ids.flatMap((id, i) =>
    known.has(id) ? [] : [{ pointer: `/snapshot_ids/${i}`, message: "there is no such snapshot in the repository" }],
  );
  if (fields.length > 0) throw new ProblemError(400, "Some of the snapshots are not in the repository.", { fields });
}

/** Refuses with 400 an order about another machine's repository without its password. */
function requireKey({ repository_id }: Selectable<AgentsTable>, wanted: string, sealed: string | null): void {
  if (wanted === repository_id || sealed !== null) return;
  const fields = [
    { pointer: "/sealed", message: "must hold the repository's password, sealed to the agent's recipient" },
  ];
  throw new ProblemError(400, "The machine has no key to another machine's repository.", { fields });
}

async function orderPlan(deps: Deps, asking: Asking, agent: Selectable<AgentsTable>, planId: string): Promise<string> {
  const plan = await findPlan(deps.database, planId);
  if (plan === undefined) {
    const fields = [{ pointer: "/plan_id", message: "there is no such plan" }];
    throw new ProblemError(400, `There is no plan ${planId}.`, { fields });
  }
  if ((await unfinishedJobOfPlan(deps.database, planId, agent.id)) !== undefined) {
    throw new ProblemError(409, "The machine runs this plan already, or is about to.");
  }
  return await give(deps, asking, agent, backupOrderOf(plan.content, agent.platform), planId);
}

async function give(
  { database, clock }: Deps,
  { caller, by }: Asking,
  agent: Selectable<AgentsTable>,
  order: StoredOrder,
  planId?: string,
): Promise<string> {
  const id = await queueJob({ database, clock }, { agentId: agent.id, order, planId, requestedBy: callerId(caller) });
  const subject = { kind: "job", id, name: `${order.kind} on ${agent.hostname}` };
  await recordAudit(database, clock, { by, action: `job.${order.kind}-ordered`, subject });
  return id;
}

/** 404 if there is no such agent, 409 if it takes no orders. A machine that is away gets the order when it is back. */
async function requireAgent(database: Kysely<Database>, agentId: string): Promise<Selectable<AgentsTable>> {
  const agent = await findAgent(database, agentId);
  if (agent === undefined) throw notFound("agent");
  if (agent.revoked_at !== null) throw new ProblemError(409, "This agent was revoked: it takes no orders any more.");
  if (agent.registered_at === null)
    throw new ProblemError(409, "This agent has not enrolled yet: no machine would take the order.");
  return agent;
}
