import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { credentialOf, sessionCookieOf } from "../http/credentials-of-request.ts";
import { type Caller, callerId } from "./caller.ts";

/** Whose credential a request carries, as far as this process knows without asking. */
export interface KnownCaller {
  readonly kind: Caller["kind"];
  readonly id: string;
}

/** A bound for memory, some 20 MB. The one that was not used for the longest time is forgotten first, and is known again with its next request. */
const callersMax = 100_000;

/**
 * Remembers whose a credential was when it last let somebody in, by its hash. So a request can be counted as its caller's before the database is asked, and a flood
 * with credentials that never let anybody in is told from those who are. Nobody is let in by it.
 */
export class KnownCallers {
  readonly #byCredential = new Map<string, KnownCaller>();
  readonly #callersMax: number;

  constructor(most = callersMax) {
    this.#callersMax = most;
  }

  of(request: FastifyRequest): KnownCaller | undefined {
    const key = keyOf(request);
    return key === undefined ? undefined : this.#byCredential.get(key);
  }

  /** The request's credential let `caller` in, or nobody. */
  remember(request: FastifyRequest, caller: Caller | undefined): void {
    const key = keyOf(request);
    if (key === undefined) return;
    this.#byCredential.delete(key);
    if (caller === undefined) return;
    this.#byCredential.set(key, { kind: caller.kind, id: callerId(caller) });
    const [oldest] = this.#byCredential.keys();
    if (this.#byCredential.size > this.#callersMax && oldest !== undefined) this.#byCredential.delete(oldest);
  }
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const credential = credentialOf(headers.authorization) ?? sessionCookieOf(headers.cookie);
  return credential === undefined ? undefined : createHash("sha256").update(credential).digest("base64");
}
