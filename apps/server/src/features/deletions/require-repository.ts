import type { Kysely } from "kysely";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";

/** Refuses with 404 a repository that there isn't. */
export async function requireRepository(database: Kysely<Database>, id: string): Promise<void> {
  const row = await database.selectFrom("repositories").select("id").where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw notFound("repository");
}
