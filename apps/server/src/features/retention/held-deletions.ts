import { type HeldDeletion, timestamp, uuid } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database, HeldDeletionsTable } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { findPlan } from "../plans/index.ts";
import { queueForget } from "./apply-retention.ts";

/** A part of the deletions that were held, newest first, those that were decided too. */
export async function listHeld(
  database: Kysely<Database>,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ held_deletions: HeldDeletion[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("held_deletions")
    .selectAll()
    .orderBy("held_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(sql<boolean>`(held_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.held_at.toISOString(), row.id]);
  return { held_deletions: rows.map(toHeld), next_cursor: nextCursor };
}

/**
 * Decides about a deletion that waits. Approved, exactly the listed snapshots are forgotten, by a job of its own; rejected, nothing is, until the plan changes. 404 if there is
 * none, 409 if it was decided, or if the plan has changed since.
 */
export async function decideHeld(
  { database, clock }: { readonly database: Kysely<Database>; readonly clock: Clock },
  by: Actor,
  id: string,
  decision: "approved" | "rejected",
): Promise<HeldDeletion> {
  return await inTransaction(database, async (transaction) => {
    const held = await transaction
      .selectFrom("held_deletions")
      .selectAll()
      .where("id", "=", id)
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) throw notFound("held deletion");
    if (held.decision !== null) throw new ProblemError(409, `It was ${held.decision} already.`);
    const plan = await findPlan(transaction, held.plan_id);
    if (plan?.version !== held.plan_version)
      throw new ProblemError(409, "The plan has changed since: after its next backup it is worked out anew.");
    const { agent_id: agentId, repository_id: repositoryId, snapshot_ids: ids } = held;
    const jobId =
      decision === "approved" ? await queueForget({ transaction, clock }, { plan, agentId, repositoryId, ids }) : null;
    const decided = await transaction
      .updateTable("held_deletions")
      .set({ decision, decided_at: clock.now(), decided_by: by.name ?? by.kind, job_id: jobId })
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const subject = { kind: "plan", id: plan.id, name: plan.name };
    const details = { agent_id: agentId, to_remove: ids.length, job_id: jobId };
    await recordAudit(transaction, clock, { by, action: `deletion.${decision}`, subject, details });
    await publish(transaction, { type: "held-deletion", id, agent_id: agentId });
    return toHeld(decided);
  });
}

function toHeld(row: Selectable<HeldDeletionsTable>): HeldDeletion {
  return {
    id: row.id,
    plan_id: row.plan_id,
    agent_id: row.agent_id,
    repository_id: row.repository_id,
    held_at: row.held_at.toISOString(),
    snapshots: row.snapshot_count,
    snapshot_ids: row.snapshot_ids,
    decision: row.decision,
    decided_at: row.decided_at?.toISOString() ?? null,
    decided_by: row.decided_by,
    job_id: row.job_id,
  };
}
