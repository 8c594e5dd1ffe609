import type { Transaction } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { publish } from "../../live-events/live-events.ts";
import type { Queue } from "../../queue/queue.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import { applyDelayedChange, type Change, subjectOf } from "./delay-change.ts";

type ChangeOf<Kind extends Change["kind"]> = Extract<Change, { readonly kind: Kind }>;

/** How each kind of change is made. The features that own what is changed know. */
export type ApplyChange = {
  readonly [Kind in Change["kind"]]: (
    deps: { readonly transaction: Transaction<Database>; readonly tenantId: string; readonly clock: Clock },
    change: ChangeOf<Kind>,
  ) => Promise<void>;
};

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
  readonly apply: ApplyChange;
}

/** Makes changes whose day is over. One that was withdrawn or replaced is no longer there. */
export async function applyDelayedChanges(
  deps: Deps,
  due: readonly z.infer<typeof applyDelayedChange.data>[],
): Promise<void> {
  for (const each of due) await applyOne(deps, each);
}

async function applyOne(
  { databases, clock, queue, apply }: Deps,
  { tenantId, changeId }: z.infer<typeof applyDelayedChange.data>,
): Promise<void> {
  await inTransaction(databases.ofTenant(tenantId), async (transaction) => {
    const row = await transaction
      .selectFrom("delayed_changes")
      .selectAll()
      .where("id", "=", changeId)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return;
    // The queue's clock and ours may differ.
    if (row.applies_at > clock.now()) {
      await queue.enqueue(transaction, applyDelayedChange, [{ data: { tenantId, changeId }, at: row.applies_at }]);
      return;
    }
    const { change } = row;
    const deps = { transaction, tenantId, clock };
    if (change.kind === "retention") await apply.retention(deps, change);
    else await apply.quarantine(deps, change);
    await transaction.deleteFrom("delayed_changes").where("id", "=", changeId).execute();
    const details = { ...change, requested_by: row.requested_by };
    await recordAudit(transaction, clock, {
      by: theServer,
      action: "change.applied",
      subject: subjectOf(change),
      details,
    });
    await publish(transaction, { type: "delayed-change", id: changeId, agent_id: null });
  });
}
