import { randomUUID } from "node:crypto";
import type { SetUpRequest } from "@saveos/contract";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { newInvitation, spendInvitation } from "./invitations.ts";
import { insertPerson } from "./passwords.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly clock: Clock;
}

/** Until it expires; the next start of the server prints a new one. */
const setUpLinkLivesMs = 24 * 60 * 60 * 1000;

/** Whether nobody has an account yet: then whoever has the link becomes the owner. */
export async function needsSetUp(accounts: Kysely<AccountsDatabase>): Promise<boolean> {
  return (await accounts.selectFrom("users").select("id").limit(1).executeTakeFirst()) === undefined;
}

/** Makes the token of the link with which the server is set up. Those that were made before open nothing any more. */
export async function makeSetUpToken({ accounts, clock }: Deps): Promise<string> {
  const { token, row } = newInvitation(clock.now(), setUpLinkLivesMs);
  await accounts.transaction().execute(async (transaction) => {
    await transaction.deleteFrom("invitations").where("tenantId", "is", null).where("usedAt", "is", null).execute();
    await transaction
      .insertInto("invitations")
      .values({ ...row, tenantId: null, email: null, role: null })
      .execute();
  });
  return token;
}

/** Makes the first person, who owns the first tenant. The token is spent in the same transaction, and nothing is kept if anything fails. */
export async function setUp(
  { accounts, clock }: Deps,
  request: SetUpRequest,
): Promise<{ userId: string; tenantId: string }> {
  // Before the link is looked at: whoever opens an old one learns why it leads nowhere.
  if (!(await needsSetUp(accounts))) throw isSetUp();
  return await accounts.transaction().execute(async (transaction) => {
    const { to } = await spendInvitation(transaction, request.token, clock.now());
    if (to !== undefined)
      throw new ProblemError(401, "This link is for joining a tenant, not for setting the server up.");
    // Two links that are used at the same moment: one of the two makes the owner.
    await sql`lock table users in share row exclusive mode`.execute(transaction);
    if (!(await needsSetUp(transaction))) throw isSetUp();
    const userId = await insertPerson(transaction, request);
    if (userId === undefined) throw isSetUp();
    const tenantId = await firstTenant(transaction, request.tenant_name);
    await transaction.insertInto("members").values({ id: randomUUID(), tenantId, userId, role: "owner" }).execute();
    return { userId, tenantId };
  });
}

function isSetUp(): ProblemError {
  return new ProblemError(409, "This server is set up already.");
}

/** The tenant for what the command line made before anybody had an account, by its new name; or a new one. */
async function firstTenant(transaction: Transaction<AccountsDatabase>, name: string): Promise<string> {
  const id = await ensureFirstTenant(transaction);
  await transaction.updateTable("tenants").set({ name }).where("id", "=", id).execute();
  return id;
}

/** The oldest tenant of the server, made if there is none. */
export async function ensureFirstTenant(accounts: Kysely<AccountsDatabase>): Promise<string> {
  const there = await firstTenantId(accounts);
  if (there !== undefined) return there;
  // Of two that find none at the same moment, one makes it: the slug is unique.
  const made = { id: randomUUID(), name: "SaveOS", slug: "main" };
  await accounts
    .insertInto("tenants")
    .values(made)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await firstTenantId(accounts)) ?? made.id;
}

async function firstTenantId(accounts: Kysely<AccountsDatabase>): Promise<string | undefined> {
  const first = await accounts
    .selectFrom("tenants")
    .select("id")
    .orderBy("createdAt")
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
  return first?.id;
}
