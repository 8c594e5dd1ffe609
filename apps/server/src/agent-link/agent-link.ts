import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database/schema.ts";
import type { Channel, Notifications } from "./notifications.ts";

/**
 * Wakes agents that wait in a heartbeat, in whichever process they wait. It carries no orders: a woken heartbeat looks into the database, so a wake-up
 * too many does no harm and a lost one only costs the rest of the wait.
 */
export interface AgentLink {
  /** Starts to listen for wake-ups of the agent. Look for orders after this and before `wait`, and none is missed between. */
  listen(agentId: string): Wait;
  /** How many heartbeats wait in this process. */
  readonly waiting: number;
  /** Ends every wait: the process is about to stop. */
  close(): void;
  /** Nobody should wait any more. */
  readonly isClosed: boolean;
}

/** One waiting heartbeat. Disposing of it stops listening. */
export interface Wait extends Disposable {
  /** Resolves with true at the next wake-up since the last `wait`, with false after `timeoutMs` or when `signal` aborts. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}

const channel = "saveos_agent" satisfies Channel;

/** Wakes the agent when the transaction is committed, and not if it isn't. */
export async function wakeAgent(transaction: Kysely<Database>, agentId: string): Promise<void> {
  await sql`select ${waking(sql`${agentId}`)}`.execute(transaction);
}

/** The same as a part of another statement, for the agents whose ids it gives. */
export function waking(agentId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`pg_notify(${channel}, ${agentId})`;
}

export function createAgentLink(notifications: Notifications): AgentLink {
  const waits = new Map<string, Set<ListeningWait>>();
  let isClosed = false;

  const wakeAll = () => waits.forEach((ofAgent) => ofAgent.forEach((wait) => wait.wake()));
  notifications.on(channel, (agentId) => waits.get(agentId)?.forEach((wait) => wait.wake()));
  // What was said while nobody listened is lost: let everyone look.
  notifications.onReconnected(wakeAll);

  return {
    listen: (agentId) => {
      const wait = new ListeningWait(() => {
        const ofAgent = waits.get(agentId);
        ofAgent?.delete(wait);
        if (ofAgent?.size === 0) waits.delete(agentId);
      });
      waits.set(agentId, (waits.get(agentId) ?? new Set()).add(wait));
      return wait;
    },
    get waiting() {
      return [...waits.values()].reduce((sum, ofAgent) => sum + ofAgent.size, 0);
    },
    close: () => {
      isClosed = true;
      wakeAll();
    },
    get isClosed() {
      return isClosed;
    },
  };
}

class ListeningWait implements Wait {
  readonly #stopListening: () => void;
  #isAwake = false;
  #onWake = () => {};

  constructor(stopListening: () => void) {
    this.#stopListening = stopListening;
  }

  wake(): void {
    this.#isAwake = true;
    this.#onWake();
  }

  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isAwake && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onWake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#onWake, { once: true });
      });
      signal.removeEventListener("abort", this.#onWake);
    }
    this.#onWake = () => {};
    const isAwake = this.#isAwake;
    this.#isAwake = false;
    return isAwake;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }
}
