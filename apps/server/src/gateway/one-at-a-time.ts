import { type Kysely, type Transaction, sql } from "kysely";
import { inTransaction } from "../database/in-transaction.ts";
import type { Database } from "../database/schema.ts";

/**
 * Runs `action` while no other process or request does so for the same repository: for decisions that no storage can make alone, such as
 * "only if there is none yet". It must be short and use the transaction for what it asks the database: it holds a connection.
 */
export async function oneAtATime<T>(
  database: Kysely<Database>,
  repositoryId: string,
  action: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return await inTransaction(database, async (transaction) => {
    // "No key": rows that refer to the repository may still be written meanwhile.
    await sql`select from repositories where id = ${repositoryId} for no key update`.execute(transaction);
    return await action(transaction);
  });
}
