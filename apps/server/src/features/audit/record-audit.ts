import { randomUUID } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Caller } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";

/** Who does something, as it is written down: by whom, and from which address. */
export interface Actor {
  readonly kind: "user" | "api-key" | "agent" | "server" | "nobody";
  readonly id?: string;
  readonly name?: string;
  readonly address?: string;
}

/** The server itself, such as for a plan's run. */
export const theServer: Actor = { kind: "server" };

export function actorOf(caller: Caller, { ip: address }: FastifyRequest): Actor {
  const { name } = caller;
  if (caller.kind === "user") return { kind: "user", id: caller.userId, name, address };
  if (caller.kind === "agent") return { kind: "agent", id: caller.agentId, name, address };
  return { kind: "api-key", id: caller.keyId, name, address };
}

/** Who sent a request without a credential. */
export function nobodyAt(request: FastifyRequest): Actor {
  return { kind: "nobody", address: request.ip };
}

export interface Deed {
  readonly by: Actor;
  /** Such as `plan.created`. */
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id?: string | undefined; readonly name?: string | undefined };
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Writes down what was done. Part of the transaction that does it: what is undone was not done. */
export async function recordAudit(
  database: Kysely<Database>,
  clock: Clock,
  { by, action, subject, details }: Deed,
): Promise<void> {
  await database
    .insertInto("audit_events")
    .values({
      id: randomUUID(),
      at: clock.now(),
      actor_kind: by.kind,
      actor_id: by.id ?? null,
      actor_name: by.name ?? null,
      action,
      subject_kind: subject.kind,
      subject_id: subject.id ?? null,
      subject_name: subject.name ?? null,
      address: by.address ?? null,
      details: JSON.stringify(details ?? {}),
    })
    .execute();
}
