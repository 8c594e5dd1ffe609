import { type AuditEvent, count, timestamp } from "@saveos/contract";
import { type Kysely, type Selectable, sql } from "kysely";
import type { AuditEventsTable, Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor_id?: string | undefined;
  readonly subject_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** What was done in the tenant, newest first. */
export async function listAudit(
  database: Kysely<Database>,
  { action, actor_id, subject_id, cursor, limit }: AuditFilter,
): Promise<{ events: AuditEvent[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, count);
  let query = database
    .selectFrom("audit_events")
    .selectAll()
    .orderBy("at", "desc")
    .orderBy("number", "desc")
    .limit(limit + 1);
  if (action !== undefined) query = query.where("action", "=", action);
  if (actor_id !== undefined) query = query.where("actor_id", "=", actor_id);
  if (subject_id !== undefined) query = query.where("subject_id", "=", subject_id);
  if (after !== undefined)
    query = query.where(sql<boolean>`(at, number) < (${after[0]}::timestamptz, ${after[1]}::bigint)`);
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [
    row.at.toISOString(),
    Number(row.number),
  ]);
  return { events: rows.map(toEvent), next_cursor: nextCursor };
}

function toEvent(row: Selectable<AuditEventsTable>): AuditEvent {
  return {
    id: row.id,
    at: row.at.toISOString(),
    actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
    action: row.action,
    subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
    address: row.address,
    details: row.details,
  };
}
