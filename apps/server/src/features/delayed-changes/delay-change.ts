import { randomUUID } from "node:crypto";
import type { DelayedChange } from "@saveos/contract";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Database, DelayedChangesTable } from "../../database/schema.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { defineTask } from "../../queue/tasks.ts";
import { type Actor, recordAudit } from "../audit/index.ts";

/** A delayed change is due. */
export const applyDelayedChange = defineTask({
  name: "apply-delayed-change",
  data: z.object({ tenantId: z.string(), changeId: z.string() }),
});

/** Long enough for another administrator to see it on a working day and to take it back. */
const delayMs = 24 * 60 * 60 * 1000;

export type Change = DelayedChange["change"];
export type ChangeRow = Selectable<DelayedChangesTable>;

interface Deps {
  readonly transaction: Transaction<Database>;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
}

/**
 * Writes down a change that lets more be deleted: it counts in a day, and until then all administrators can see it and take it back. One that waits for
 * the same thing already is replaced, and the day begins anew.
 */
export async function delayChange(
  { transaction, clock, queue }: Deps,
  { tenantId, by }: { readonly tenantId: string; readonly by: Actor },
  change: Change,
): Promise<void> {
  await dropDelayed(transaction, change);
  const id = randomUUID();
  const requestedAt = clock.now();
  const appliesAt = new Date(requestedAt.getTime() + delayMs);
  await transaction
    .insertInto("delayed_changes")
    .values({
      id,
      change: JSON.stringify(change),
      plan_id: change.kind === "retention" ? change.plan_id : null,
      requested_by: by.name ?? by.kind,
      requested_at: requestedAt,
      applies_at: appliesAt,
    })
    .execute();
  await queue.enqueue(transaction, applyDelayedChange, [{ data: { tenantId, changeId: id }, at: appliesAt }]);
  const details = { ...change, applies_at: appliesAt.toISOString() };
  await recordAudit(transaction, clock, { by, action: "change.delayed", subject: subjectOf(change), details });
  await publish(transaction, { type: "delayed-change", id, agent_id: null });
}

/** What waits for the same thing as `change`, if anything does. */
export async function findDelayed(
  database: Kysely<Database>,
  change: Pick<Change, "kind"> & { readonly plan_id?: string },
): Promise<ChangeRow | undefined> {
  let query = database
    .selectFrom("delayed_changes")
    .selectAll()
    .where(sql<boolean>`change ->> 'kind' = ${change.kind}`);
  if (change.plan_id !== undefined) query = query.where("plan_id", "=", change.plan_id);
  return await query.executeTakeFirst();
}

/** Takes away what waits for the same thing as `change`: it was overtaken. */
export async function dropDelayed(
  transaction: Transaction<Database>,
  change: Pick<Change, "kind"> & { readonly plan_id?: string },
): Promise<void> {
  const waiting = await findDelayed(transaction, change);
  if (waiting === undefined) return;
  await transaction.deleteFrom("delayed_changes").where("id", "=", waiting.id).execute();
  await publish(transaction, { type: "delayed-change", id: waiting.id, agent_id: null });
}

export function subjectOf(change: Change): { readonly kind: string; readonly id?: string } {
  return change.kind === "retention" ? { kind: "plan", id: change.plan_id } : { kind: "tenant" };
}
