import { randomUUID } from "node:crypto";
import type { AcceptInvitationRequest } from "@saveos/contract";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { spendInvitation } from "./invitations.ts";
import { insertPerson, isPasswordOf } from "./passwords.ts";
import type { SignInLimit } from "./sign-in-limit.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly clock: Clock;
  readonly signInLimit: SignInLimit;
}

/**
 * Lets somebody join a tenant who was invited to it: with a new account, or with the one they have, whose password they must know. Nothing is kept, the use of
 * the token included, if anything fails.
 */
export async function acceptInvitation(
  { accounts, clock, signInLimit }: Deps,
  request: AcceptInvitationRequest,
  address: string,
): Promise<{ userId: string; tenantId: string; email: string }> {
  return await accounts.transaction().execute(async (transaction) => {
    const { to } = await spendInvitation(transaction, request.token, clock.now());
    if (to === undefined) throw new ProblemError(401, "This link sets the server up: open it where it leads.");
    const { tenantId, email, role } = to;
    const userId = await personFor(transaction, signInLimit, { ...request, email, address });
    const joined = await transaction
      .insertInto("members")
      .values({ id: randomUUID(), tenantId, userId, role })
      .onConflict((conflict) => conflict.columns(["tenantId", "userId"]).doNothing())
      .returning("id")
      .executeTakeFirst();
    // Roles of members are changed where it is seen to that owners are changed by owners, and that one stays.
    if (joined === undefined) throw new ProblemError(409, "You belong to this tenant already: sign in.");
    return { userId, tenantId, email };
  });
}

interface Joining {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

/** Whoever invites somebody holds their token: it must not let them guess the password of an account faster than signing in would. */
async function personFor(
  transaction: Transaction<AccountsDatabase>,
  signInLimit: SignInLimit,
  { email, name, password, address }: Joining,
): Promise<string> {
  const made = await insertPerson(transaction, { name, email, password });
  if (made !== undefined) return made;
  const { id } = await transaction
    .selectFrom("users")
    .select("id")
    .where("email", "=", email)
    .executeTakeFirstOrThrow();
  signInLimit.count(email, address);
  if (!(await isPasswordOf(transaction, id, password))) {
    const fields = [{ pointer: "/password", message: "is not the password of your account" }];
    throw new ProblemError(401, "You have an account on this server already, and this isn't its password.", { fields });
  }
  signInLimit.forget(email, address);
  return id;
}
