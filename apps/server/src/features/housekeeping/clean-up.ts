import { type Kysely, sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { idempotencyMs } from "../../http/idempotency.ts";
import { defineTask, noData } from "../../queue/tasks.ts";
import { forgetOldSessions } from "../agents/index.ts";

export const cleanUpTask = defineTask({ name: "clean-up", data: noData, cron: "23 * * * *" });

const dayMs = 24 * 60 * 60 * 1000;

/** A log is read while its job is news; what the job did stays in its row. */
const logDaysMax = 90;
const skippedRunDaysMax = 90;
/** Two years: long enough for a yearly look. */
const auditDaysMax = 730;
const spentInvitationDaysMax = 30;

/** Takes away what nobody will ask for any more. */
export async function cleanUp({ databases, clock }: { databases: Databases; clock: Clock }): Promise<void> {
  const now = clock.now().getTime();
  const before = (ms: number) => new Date(now - ms);
  for (const tenantId of await databases.tenantIds()) {
    const database = databases.ofTenant(tenantId);
    await forgetOldSessions({ database, clock });
    await deleteOlder(database, "idempotency_keys", "created_at", before(idempotencyMs));
    await deleteOlder(database, "job_log_lines", "at", before(logDaysMax * dayMs));
    await deleteOlder(database, "skipped_runs", "due_at", before(skippedRunDaysMax * dayMs));
    await deleteOlder(database, "audit_events", "at", before(auditDaysMax * dayMs));
    await deleteOlder(database, "invitations", "expires_at", before(spentInvitationDaysMax * dayMs));
  }
  await databases.accounts.deleteFrom("userSessions").where("expiresAt", "<", before(0)).execute();
}

async function deleteOlder(database: Kysely<Database>, table: string, column: string, before: Date): Promise<void> {
  await sql`delete from ${sql.table(table)} where ${sql.ref(column)} < ${before}`.execute(database);
}
