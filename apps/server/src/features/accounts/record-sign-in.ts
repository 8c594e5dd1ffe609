import type { FastifyRequest } from "fastify";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { type Actor, nobodyAt, recordAudit } from "../audit/index.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
}

/**
 * Writes down, in every tenant of the person, that they signed in or that somebody gave a wrong password for them. For an address that nobody has there is no
 * tenant to tell, so this must come after the answer: one that takes longer for people who exist would say who does.
 */
export async function recordSignIn(
  { databases, clock }: Deps,
  email: string,
  outcome: "signed-in" | "refused",
  request: FastifyRequest,
): Promise<void> {
  const tenants = await databases.accounts
    .selectFrom("users")
    .innerJoin("members", "members.userId", "users.id")
    .select(["users.id", "users.name", "members.tenantId"])
    .where("users.email", "=", email)
    .execute();
  for (const { id, name, tenantId } of tenants) {
    const subject = { kind: "user", id, name: email };
    const person: Actor = { kind: "user", id, name, address: request.ip };
    const deed =
      outcome === "signed-in"
        ? { by: person, action: "user.signed-in", subject }
        : { by: nobodyAt(request), action: "user.sign-in-refused", subject };
    await recordAudit(databases.ofTenant(tenantId), clock, deed);
  }
}
