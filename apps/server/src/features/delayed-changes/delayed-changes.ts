import type { DelayedChange } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { publish } from "../../live-events/live-events.ts";
import { type Actor, recordAudit } from "../audit/index.ts";
import { type ChangeRow, subjectOf } from "./delay-change.ts";

/** All changes that wait, the next first. There is one for each plan at most. */
export async function listDelayed(database: Kysely<Database>): Promise<DelayedChange[]> {
  const rows = await database.selectFrom("delayed_changes").selectAll().orderBy("applies_at").orderBy("id").execute();
  return rows.map(toDelayed);
}

/** Takes back a change before it counts. 404 if there is none. */
export async function withdrawChange(
  { database, clock }: { readonly database: Kysely<Database>; readonly clock: Clock },
  by: Actor,
  id: string,
): Promise<void> {
  await inTransaction(database, async (transaction) => {
    const row = await transaction.deleteFrom("delayed_changes").where("id", "=", id).returningAll().executeTakeFirst();
    if (row === undefined) throw notFound("change that waits");
    const subject = subjectOf(row.change);
    await recordAudit(transaction, clock, { by, action: "change.withdrawn", subject, details: row.change });
    await publish(transaction, { type: "delayed-change", id, agent_id: null });
  });
}

function toDelayed({ id, change, requested_by, requested_at, applies_at }: ChangeRow): DelayedChange {
  return {
    id,
    change,
    requested_by,
    requested_at: requested_at.toISOString(),
    applies_at: applies_at.toISOString(),
  };
}
