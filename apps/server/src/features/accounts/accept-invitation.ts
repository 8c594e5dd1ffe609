import { randomUUID } from "node:crypto";
import type { AcceptInvitationRequest } from "@saveos/contract";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { spendInvitation } from "./invitations.ts";
import { insertPerson, isPasswordOf } from "./passwords.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly clock: Clock;
}

/**
 * Lets somebody join a tenant who was invited to it: with a new account, or with the one they have, whose password they must know. Nothing is kept, the use of
 * the token included, if anything fails.
 */
export async function acceptInvitation(
  { accounts, clock }: Deps,
  request: AcceptInvitationRequest,
): Promise<{ userId: string; tenantId: string; email: string }> {
  return await accounts.transaction().execute(async (transaction) => {
    const { to } = await spendInvitation(transaction, request.token, clock.now());
    if (to === undefined) throw new ProblemError(401, "This link sets the server up: open it where it leads.");
    const { tenantId, email, role } = to;
    const userId = await personFor(transaction, { ...request, email });
    await transaction
      .insertInto("members")
      .values({ id: randomUUID(), tenantId, userId, role })
      .onConflict((conflict) => conflict.columns(["tenantId", "userId"]).doUpdateSet({ role }))
      .execute();
    return { userId, tenantId, email };
  });
}

async function personFor(
  transaction: Transaction<AccountsDatabase>,
  { email, name, password }: { email: string; name: string; password: string },
): Promise<string> {
  const known = await transaction.selectFrom("users").select("id").where("email", "=", email).executeTakeFirst();
  if (known === undefined) return await insertPerson(transaction, { name, email, password });
  if (await isPasswordOf(transaction, known.id, password)) return known.id;
  throw new ProblemError(401, "You have an account on this server already, and this isn't its password.");
}
