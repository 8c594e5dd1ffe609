import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";

/**
 * The key that signs the cookies of sessions. All processes of a server share it, so it lies in the database, where only the role that signs people in can
 * read it. Drawn once, by whichever process is first.
 */
export async function sessionSecret(accounts: Kysely<AccountsDatabase>): Promise<string> {
  const drawn = randomBytes(32).toString("base64url");
  await accounts
    .insertInto("serverSecrets")
    .values({ name: "session", value: drawn })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { value } = await accounts
    .selectFrom("serverSecrets")
    .select("value")
    .where("name", "=", "session")
    .executeTakeFirstOrThrow();
  return value;
}
