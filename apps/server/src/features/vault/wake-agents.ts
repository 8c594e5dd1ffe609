import { type Kysely, sql } from "kysely";
import { waking } from "../../agent-link/agent-link.ts";
import type { Database } from "../../database/schema.ts";

/** Wakes every agent of the tenant: something of its vault is new. */
export async function wakeAgents(transaction: Kysely<Database>): Promise<void> {
  await sql`select ${waking(sql`id::text`)} from agents where registered_at is not null and revoked_at is null`.execute(
    transaction,
  );
}
