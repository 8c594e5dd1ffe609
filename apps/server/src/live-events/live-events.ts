import { type LiveEvent, liveEvent } from "@saveos/contract";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { z } from "zod";
import type { Channel, Notifications } from "../agent-link/notifications.ts";
import type { Database } from "../database/schema.ts";

/** Tells those who watch a tenant, in whichever process they are connected to, that something of it has changed. */
export interface LiveEvents {
  /** Calls `listener` with every event of the tenant until it is disposed of; with nothing when events may have been missed. */
  listen(tenantId: string, listener: (event: LiveEvent | undefined) => void): Disposable;
}

const channel = "saveos_event" satisfies Channel;

const message = z.strictObject({ tenant: z.string(), event: liveEvent });

/** Says so to those who watch, when the transaction is committed and not if it isn't. */
export async function publish(transaction: Kysely<Database>, ...events: readonly LiveEvent[]): Promise<void> {
  for (const event of events) await sql`select ${publishing(event)}`.execute(transaction);
}

/** The same as a part of another statement. */
export function publishing(event: LiveEvent): RawBuilder<unknown> {
  return sql`pg_notify(${channel}, json_build_object('tenant', current_tenant(), 'event', ${JSON.stringify(event)}::json)::text)`;
}

export function createLiveEvents(notifications: Notifications): LiveEvents {
  const listeners = new Map<string, Set<(event: LiveEvent | undefined) => void>>();
  notifications.on(channel, (payload) => {
    // A newer process beside this one may tell of what this one doesn't know.
    const { data } = message.safeParse(JSON.parse(payload));
    if (data !== undefined) listeners.get(data.tenant)?.forEach((listener) => listener(data.event));
  });
  notifications.onReconnected(() =>
    listeners.forEach((ofTenant) => ofTenant.forEach((listener) => listener(undefined))),
  );
  return {
    listen: (tenantId, listener) => {
      const ofTenant = listeners.get(tenantId) ?? new Set();
      listeners.set(tenantId, ofTenant.add(listener));
      return {
        [Symbol.dispose]: () => {
          ofTenant.delete(listener);
          if (ofTenant.size === 0) listeners.delete(tenantId);
        },
      };
    },
  };
}
