import type { InviteRequest, Role, User } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { Kysely, Transaction } from "kysely";
import type { Operator } from "../../access/caller.ts";
import { makeSecret } from "../../access/secrets.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { actorOf, recordAudit } from "../audit/index.ts";
import { findUser } from "./queries.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

interface Asking {
  readonly caller: Operator;
  readonly request: FastifyRequest;
}

const hourMs = 60 * 60 * 1000;

/** Makes the invitation of a person to the tenant: its token lets one person in, once. */
export async function inviteUser({ database, clock }: Deps, { caller, request }: Asking, invited: InviteRequest) {
  requireMayManage(caller, invited.role);
  const now = clock.now();
  const secret = makeSecret("invite");
  const expiresAt = new Date(now.getTime() + invited.expires_in_hours * hourMs);
  await inTransaction(database, async (transaction) => {
    const { email, role } = invited;
    await transaction
      .insertInto("invitations")
      .values({ id: secret.id, email, role, secret_sha256: secret.sha256, created_at: now, expires_at: expiresAt })
      .execute();
    const subject = { kind: "invitation", id: secret.id, name: email };
    await recordAudit(transaction, clock, {
      by: actorOf(caller, request),
      action: "user.invited",
      subject,
      details: { role },
    });
  });
  return { email: invited.email, role: invited.role, expires_at: expiresAt.toISOString(), token: secret.text };
}

/** Gives a person of the tenant another role. */
export async function changeRole(
  { database, clock }: Deps,
  { caller, request }: Asking,
  userId: string,
  role: Role,
): Promise<User> {
  return await database.transaction().execute(async (transaction) => {
    const { user, isLastOwner } = await userToChange(transaction, { caller, request }, userId);
    requireMayManage(caller, role);
    if (isLastOwner && role !== "owner") throw lastOwner();
    await transaction.updateTable("members").set({ role }).where("user_id", "=", userId).execute();
    const subject = { kind: "user", id: userId, name: user.email };
    const details = { from: user.role, to: role };
    await recordAudit(transaction, clock, {
      by: actorOf(caller, request),
      action: "user.changed-role",
      subject,
      details,
    });
    return { ...user, role };
  });
}

/** Takes a person out of the tenant. Their account stays: they may belong to others. */
export async function removeUser(
  { database, clock }: Deps,
  { caller, request }: Asking,
  userId: string,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const { user, isLastOwner } = await userToChange(transaction, { caller, request }, userId);
    if (isLastOwner) throw lastOwner();
    await transaction.deleteFrom("members").where("user_id", "=", userId).execute();
    const subject = { kind: "user", id: userId, name: user.email };
    await recordAudit(transaction, clock, { by: actorOf(caller, request), action: "user.removed", subject });
  });
}

/**
 * The person, held until the transaction ends. The owners are held first, and always in one order: of two who remove each other at the same moment, one waits here
 * and finds that they are the last.
 */
async function userToChange(
  transaction: Transaction<Database>,
  { caller, request }: Asking,
  userId: string,
): Promise<{ user: User; isLastOwner: boolean }> {
  const owners = await transaction
    .selectFrom("members")
    .select("user_id")
    .where("role", "=", "owner")
    .orderBy("user_id")
    .forUpdate()
    .execute();
  const user = await findUser(transaction, userId, { forUpdate: true });
  if (user === undefined) throw notFound("user");
  requireMayManage(caller, user.role);
  requireMatch(request, user.role);
  return { user, isLastOwner: user.role === "owner" && owners.length === 1 };
}

/** Only owners have a say over owners. */
function requireMayManage(caller: Operator, role: Role): void {
  if (role !== "owner" || caller.role === "owner") return;
  throw new ProblemError(403, "Only an owner may make, change or remove an owner.");
}

function lastOwner(): ProblemError {
  const detail = "This is the last owner: without one, nobody could manage the tenant. Make another owner first.";
  return new ProblemError(409, detail);
}
