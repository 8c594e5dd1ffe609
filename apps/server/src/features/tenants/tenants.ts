import { randomUUID } from "node:crypto";
import type { CreateTenantRequest, Tenant } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { newInvitation } from "../accounts/index.ts";
import { actorOf, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
}

interface Asking {
  readonly caller: Operator;
  readonly request: FastifyRequest;
}

/** A new tenant's first owner may be on holiday. */
const invitationLivesMs = 7 * 24 * 60 * 60 * 1000;

/** The tenant that `database` shows; there is one at most. With its version. */
export async function findTenant(
  database: Kysely<Database>,
  tenantId: string,
): Promise<{ tenant: Tenant; version: number }> {
  const row = await database.selectFrom("tenants").selectAll().where("id", "=", tenantId).executeTakeFirst();
  if (row === undefined) throw notFound("tenant");
  const { id, name, created_at, version } = row;
  return { tenant: { id, name, created_at: created_at.toISOString() }, version };
}

/** Gives a tenant another name. */
export async function renameTenant(
  { databases, clock }: Deps,
  { caller, request }: Asking,
  tenantId: string,
  name: string,
): Promise<{ tenant: Tenant; version: number }> {
  return await databases
    .ofTenant(caller.tenantId)
    .transaction()
    .execute(async (transaction) => {
      const held = await transaction
        .selectFrom("tenants")
        .select(["name", "version"])
        .where("id", "=", tenantId)
        .forUpdate()
        .executeTakeFirst();
      if (held === undefined) throw notFound("tenant");
      requireMatch(request, held.version);
      await transaction
        .updateTable("tenants")
        .set({ name, version: held.version + 1 })
        .where("id", "=", tenantId)
        .execute();
      const subject = { kind: "tenant", id: tenantId, name };
      const deed = { by: actorOf(caller, request), action: "tenant.renamed", subject, details: { from: held.name } };
      await recordAudit(transaction, clock, deed);
      return await findTenant(transaction, tenantId);
    });
}

/** Refuses with 403 who doesn't work in the server's first tenant: its owners run the server. */
export async function requireFirstTenant({ databases }: Pick<Deps, "databases">, caller: Operator): Promise<void> {
  const [first] = await databases.tenantIds();
  if (first !== caller.tenantId)
    throw new ProblemError(403, "New tenants are made by owners of the server's first tenant.");
}

/**
 * Makes a tenant, and the invitation of its first owner. That it was made is written down in the tenant of who made it, `database`, which sees nothing of the new
 * one.
 */
export async function createTenant(
  { databases, database, clock }: Deps & { readonly database: Kysely<Database> },
  { caller, request }: Asking,
  wanted: CreateTenantRequest,
) {
  const id = randomUUID();
  const now = clock.now();
  const { token, row } = newInvitation(now, invitationLivesMs);
  const invited = { email: wanted.owner_email, role: "owner" as const };
  // By the database's clock, as for the first tenant: which one is the first must not hang on two clocks.
  const createdAt = await databases.accounts.transaction().execute(async (transaction) => {
    const tenant = { id, name: wanted.name, slug: id };
    const made = await transaction
      .insertInto("tenants")
      .values(tenant)
      .returning("createdAt")
      .executeTakeFirstOrThrow();
    await transaction
      .insertInto("invitations")
      .values({ ...row, tenantId: id, ...invited })
      .execute();
    return made.createdAt;
  });
  const subject = { kind: "tenant", id, name: wanted.name };
  await recordAudit(database, clock, { by: actorOf(caller, request), action: "tenant.created", subject });
  return {
    tenant: { id, name: wanted.name, created_at: createdAt.toISOString() },
    invitation: { ...invited, expires_at: row.expiresAt.toISOString(), token },
  };
}
