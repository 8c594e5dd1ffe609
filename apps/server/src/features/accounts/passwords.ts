import { randomUUID } from "node:crypto";
import { hashPassword, verifyPassword } from "better-auth/crypto";
import type { Kysely, Transaction } from "kysely";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";

/**
 * Makes a person who signs in with a password, as better-auth would: in the transaction of what they are made for. Returns their id; nothing if somebody has the
 * address already, be it since a moment ago.
 */
export async function insertPerson(
  transaction: Transaction<AccountsDatabase>,
  { name, email, password }: { name: string; email: string; password: string },
): Promise<string | undefined> {
  const id = randomUUID();
  const hash = await hashPassword(password);
  const made = await transaction
    .insertInto("users")
    .values({ id, name, email })
    .onConflict((conflict) => conflict.column("email").doNothing())
    .returning("id")
    .executeTakeFirst();
  if (made === undefined) return undefined;
  await transaction
    .insertInto("userAccounts")
    .values({ id: randomUUID(), userId: id, accountId: id, providerId: byPassword, password: hash })
    .execute();
  return id;
}

/** Whether this is the person's password. It takes its time for a person without one, too, so that nothing is learned by the clock. */
export async function isPasswordOf(
  accounts: Kysely<AccountsDatabase>,
  userId: string | undefined,
  password: string,
): Promise<boolean> {
  const account =
    userId === undefined
      ? undefined
      : await accounts
          .selectFrom("userAccounts")
          .select("password")
          .where("userId", "=", userId)
          .where("providerId", "=", byPassword)
          .executeTakeFirst();
  const hash = account?.password ?? (await nobodysHash());
  const isRight = await verifyPassword({ hash, password });
  return isRight && account !== undefined;
}

/** better-auth's name for it. */
const byPassword = "credential";

let nobodys: Promise<string> | undefined;

async function nobodysHash(): Promise<string> {
  nobodys ??= hashPassword(randomUUID());
  return await nobodys;
}
