import type { Kysely, Transaction } from "kysely";

/** Does `work` in one transaction: in the one that `database` is already, or in a new one. */
export async function inTransaction<Tables, Result>(
  database: Kysely<Tables>,
  work: (transaction: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  if (database.isTransaction) return await work(database as Transaction<Tables>);
  return await database.transaction().execute(work);
}
