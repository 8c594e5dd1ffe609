import { timestamp, uuid } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import type { Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

/** A part of the runs of a plan that did not take place, newest first. */
export async function listSkippedRuns(
  database: Kysely<Database>,
  planId: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
) {
  const after = placeOf(cursor, timestamp, uuid);
  let query = database
    .selectFrom("skipped_runs")
    .select(["agent_id", "due_at", "reason"])
    .where("plan_id", "=", planId)
    .orderBy("due_at", "desc")
    .orderBy("agent_id")
    .limit(limit + 1);
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`due_at < ${after[0]}::timestamptz or (due_at = ${after[0]}::timestamptz and agent_id > ${after[1]}::uuid)`,
    );
  }
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.due_at.toISOString(), row.agent_id]);
  return { skipped_runs: rows.map((row) => ({ ...row, due_at: row.due_at.toISOString() })), next_cursor: nextCursor };
}
