import { permission, type Session } from "@saveos/contract";
import type { Kysely } from "kysely";
import { may, type UserCaller } from "../../access/caller.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { notFound } from "../../http/problem.ts";

/** Who a session is of, where they work, and what they may do there. */
export async function showSession(accounts: Kysely<AccountsDatabase>, caller: UserCaller): Promise<Session> {
  const user = await accounts
    .selectFrom("users")
    .select(["id", "name", "email"])
    .where("id", "=", caller.userId)
    .executeTakeFirstOrThrow();
  const tenants = await accounts
    .selectFrom("members")
    .innerJoin("tenants", "tenants.id", "members.tenantId")
    .select(["tenants.id", "tenants.name", "members.role"])
    .where("members.userId", "=", caller.userId)
    .orderBy("tenants.name")
    .orderBy("tenants.id")
    .execute();
  const tenant = tenants.find(({ id }) => id === caller.tenantId);
  if (tenant === undefined) throw notFound("tenant");
  return { user, tenant, tenants, permissions: permission.options.filter((each) => may(caller, each)) };
}

/** Goes on in another tenant of the person. 404 if they don't belong to it. */
export async function changeTenant(
  accounts: Kysely<AccountsDatabase>,
  caller: UserCaller,
  tenantId: string,
): Promise<UserCaller> {
  const member = await accounts
    .selectFrom("members")
    .select("role")
    .where("userId", "=", caller.userId)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (member === undefined) throw notFound("tenant");
  await accounts
    .updateTable("userSessions")
    .set({ activeTenantId: tenantId })
    .where("id", "=", caller.sessionId)
    .execute();
  return { ...caller, tenantId, role: member.role };
}
