import { hashPassword } from "better-auth/crypto";
import type { Kysely } from "kysely";
import type { UserCaller } from "../../access/caller.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { isPasswordOf } from "./passwords.ts";
import type { SignInLimit } from "./sign-in-limit.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly signInLimit: SignInLimit;
}

/** Gives a person who knows their password a new one, and ends all their other sessions: one of them may be why. */
export async function changePassword(
  { accounts, signInLimit }: Deps,
  { userId, sessionId }: UserCaller,
  { current_password, new_password }: { current_password: string; new_password: string },
  address: string,
): Promise<void> {
  signInLimit.count(userId, address);
  if (!(await isPasswordOf(accounts, userId, current_password))) {
    const fields = [{ pointer: "/current_password", message: "is not your password" }];
    throw new ProblemError(400, "The current password is wrong.", { fields });
  }
  signInLimit.forget(userId, address);
  const password = await hashPassword(new_password);
  await accounts.transaction().execute(async (transaction) => {
    await transaction.updateTable("userAccounts").set({ password }).where("userId", "=", userId).execute();
    await transaction.deleteFrom("userSessions").where("userId", "=", userId).where("id", "!=", sessionId).execute();
  });
}
