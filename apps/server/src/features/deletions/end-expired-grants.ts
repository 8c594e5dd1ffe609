import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import { endGrants } from "../../gateway/index.ts";
import { theServer } from "../audit/index.ts";
import { recordEnded } from "../jobs/index.ts";

/** Writes down what was deleted by grants whose time is over. They let nothing be deleted since then anyway. */
export async function endExpiredGrants({ databases, clock }: { databases: Databases; clock: Clock }): Promise<void> {
  for (const tenantId of await databases.tenantIds()) {
    await inTransaction(databases.ofTenant(tenantId), async (database) => {
      await recordEnded({ database, clock }, await endGrants(database, clock.now(), "expired"), theServer);
    });
  }
}
