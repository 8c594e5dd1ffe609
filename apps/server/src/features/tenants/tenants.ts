import { randomUUID } from "node:crypto";
import type { CreateTenantRequest, Tenant, TenantRequest } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import type { Database } from "../../database/schema.ts";
import { requireMatch } from "../../http/etags.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { newInvitation } from "../accounts/index.ts";
import { type ApplyChange, delayChange, dropDelayed, findDelayed } from "../delayed-changes/index.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly queue: Pick<Queue, "enqueue">;
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
  const { id, name, created_at, version, quarantine_days } = row;
  const waiting = await findDelayed(database, { kind: "quarantine" });
  const pending_quarantine =
    waiting?.change.kind === "quarantine"
      ? { quarantine_days: waiting.change.to, applies_at: waiting.applies_at.toISOString() }
      : null;
  return { tenant: { id, name, created_at: created_at.toISOString(), quarantine_days, pending_quarantine }, version };
}

/** Gives a tenant another name, or another time for which what was deleted can be brought back: a longer one at once, a shorter one in a day. */
export async function changeTenant(
  { databases, clock, queue }: Deps,
  { caller, request }: Asking,
  tenantId: string,
  { name, quarantine_days: days }: TenantRequest,
): Promise<{ tenant: Tenant; version: number }> {
  return await inTransaction(databases.ofTenant(caller.tenantId), async (transaction) => {
    const held = await transaction
      .selectFrom("tenants")
      .select(["name", "version", "quarantine_days"])
      .where("id", "=", tenantId)
      .forUpdate()
      .executeTakeFirst();
    if (held === undefined) throw notFound("tenant");
    requireMatch(request, held.version);
    const by = actorOf(caller, request);
    await transaction
      .updateTable("tenants")
      .set({ name: name ?? held.name, version: held.version + 1 })
      .where("id", "=", tenantId)
      .execute();
    if (name !== undefined) {
      const subject = { kind: "tenant", id: tenantId, name };
      await recordAudit(transaction, clock, { by, action: "tenant.renamed", subject, details: { from: held.name } });
    }
    if (days !== undefined && days < held.quarantine_days) {
      const change = { kind: "quarantine", from: held.quarantine_days, to: days } as const;
      await delayChange({ transaction, clock, queue }, { tenantId, by }, change);
    } else if (days !== undefined) {
      await setQuarantineDays(transaction, tenantId, days);
      await dropDelayed(transaction, { kind: "quarantine" });
      const details = { from: held.quarantine_days, to: days };
      const subject = { kind: "tenant", id: tenantId, name: name ?? held.name };
      await recordAudit(transaction, clock, { by, action: "tenant.quarantine-changed", subject, details });
    }
    return await findTenant(transaction, tenantId);
  });
}

/** Makes a shorter quarantine count, after its day. */
export const applyQuarantineDays: ApplyChange["quarantine"] = async ({ transaction, tenantId }, { to }) => {
  await setQuarantineDays(transaction, tenantId, to);
};

async function setQuarantineDays(transaction: Transaction<Database>, tenantId: string, days: number): Promise<void> {
  await transaction
    .updateTable("tenants")
    .set({ quarantine_days: days, version: sql<number>`version + 1` })
    .where("id", "=", tenantId)
    .execute();
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
  { databases, database, clock }: Omit<Deps, "queue"> & { readonly database: Kysely<Database> },
  { caller, request }: Asking,
  wanted: CreateTenantRequest,
) {
  const id = randomUUID();
  const now = clock.now();
  const { token, row } = newInvitation(now, invitationLivesMs);
  const invited = { email: wanted.owner_email, role: "owner" as const };
  // By the database's clock, as for the first tenant: which one is the first must not hang on two clocks.
  const made = await databases.accounts.transaction().execute(async (transaction) => {
    const tenant = { id, name: wanted.name, slug: id };
    const inserted = await transaction
      .insertInto("tenants")
      .values(tenant)
      .returning(["createdAt", "quarantineDays"])
      .executeTakeFirstOrThrow();
    await transaction
      .insertInto("invitations")
      .values({ ...row, tenantId: id, ...invited })
      .execute();
    return inserted;
  });
  const subject = { kind: "tenant", id, name: wanted.name };
  await recordAudit(database, clock, { by: actorOf(caller, request), action: "tenant.created", subject });
  return {
    tenant: {
      id,
      name: wanted.name,
      created_at: made.createdAt.toISOString(),
      quarantine_days: made.quarantineDays,
      pending_quarantine: null,
    },
    invitation: { ...invited, expires_at: row.expiresAt.toISOString(), token },
  };
}
