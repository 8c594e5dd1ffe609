import type { Permission } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Databases } from "../database/databases.ts";
import type { Database } from "../database/schema.ts";
import { credentialOf } from "../http/credentials-of-request.ts";
import { ProblemError } from "../http/problem.ts";
import { type AgentCaller, type Caller, may, type Operator, type UserCaller } from "./caller.ts";
import { FailedAttempts, failuresMax } from "./failed-attempts.ts";
import { identify } from "./identify.ts";
import type { KnownCallers } from "./known-callers.ts";

/** Runs before a request is read, and refuses it by throwing. */
export type Guard = (request: FastifyRequest) => Promise<void>;

/** Lets requests in or not. Every route but those that are open to all has one of its guards as its first hook. */
export interface Access {
  /** Who sends `request`; nothing without a credential or with a wrong one, which is counted: too many of those are answered with 429. */
  readonly authorize: (request: FastifyRequest) => Promise<Caller | undefined>;
  /** Refuses with 401 who isn't known, with 403 who may not do this. */
  readonly allow: (permission: Permission) => Guard;
  /** The same, and lets every agent in: the route itself must check what an agent may see. */
  readonly allowOrAgent: (permission: Permission) => Guard;
  /** Refuses with 401 who isn't known, with 403 who is no agent. */
  readonly allowAgent: Guard;
  /** Refuses with 401 who isn't known, with 403 who isn't a person. */
  readonly allowPerson: Guard;
  /** Counts and logs a failed attempt to get in. Throws 429 once there were too many from this address. */
  readonly countFailure: (request: FastifyRequest, reason: string) => void;
}

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  /** The person whose session's cookie the request carries. */
  readonly identifyPerson: (request: FastifyRequest) => Promise<UserCaller | undefined>;
  readonly knownCallers: KnownCallers;
  /** Told of each wrong credential. */
  readonly onRefused: () => void;
}

const noCredential = "This needs a credential: `Authorization: Bearer …`, or the cookie of a session.";
const wrongCredential = "The credential is unknown, was revoked or has run out.";

const callers = new WeakMap<FastifyRequest, Caller>();

export function createAccess(deps: Deps): Access {
  const failedAttempts = new FailedAttempts(deps.clock);

  const countFailure: Access["countFailure"] = (request, reason) => {
    deps.onRefused();
    const { count, secondsLeft } = failedAttempts.add(request.ip);
    if (count > failuresMax) throw tooMany(secondsLeft);
    request.log.warn({ address: request.ip, url: request.url }, `refused: ${reason}`);
    if (count === failuresMax)
      request.log.warn({ address: request.ip }, "too many refused attempts: more are not logged");
  };

  const authorize: Access["authorize"] = async (request) => {
    const caller = await identifyCaller(request);
    if (caller !== undefined) callers.set(request, caller);
    return caller;
  };

  /** A credential that is sent on purpose counts before the cookie that browsers send by themselves. */
  const identifyCaller = async (request: FastifyRequest): Promise<Caller | undefined> => {
    const credential = credentialOf(request.headers.authorization);
    const caller = credential === undefined ? await deps.identifyPerson(request) : await identify(deps, credential);
    deps.knownCallers.remember(request, caller);
    if (caller === undefined && credential !== undefined) countFailure(request, wrongCredential);
    return caller;
  };

  const requireCaller = async (request: FastifyRequest): Promise<Caller> => {
    const caller = await authorize(request);
    if (caller !== undefined) return caller;
    throw unauthorized(request.headers.authorization === undefined ? noCredential : wrongCredential);
  };

  return {
    authorize,
    countFailure,
    allow: (permission) => async (request) => requireMay(await requireCaller(request), permission),
    allowOrAgent: (permission) => async (request) => {
      const caller = await requireCaller(request);
      if (caller.kind !== "agent") requireMay(caller, permission);
    },
    allowAgent: async (request) => {
      if ((await requireCaller(request)).kind !== "agent") throw forbidden("an agent's credential");
    },
    allowPerson: async (request) => {
      if ((await requireCaller(request)).kind !== "user") throw forbidden("a person who signed in");
    },
  };
}

/** Refuses with 403 who may not do this. */
export function requireMay(caller: Caller, permission: Permission): asserts caller is Operator {
  if (!may(caller, permission)) throw forbidden(`the permission ${permission}`);
}

/** Who sent a request that one of the guards let in. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw unauthorized(noCredential);
  return caller;
}

/** The person or program that sent a request which `allow` let in. */
export function operatorOf(request: FastifyRequest): Operator {
  const caller = callerOf(request);
  if (caller.kind === "agent") throw forbidden("a person or an API key");
  return caller;
}

/** The person that sent a request which `allowPerson` let in. */
export function personOf(request: FastifyRequest): UserCaller {
  const caller = callerOf(request);
  if (caller.kind !== "user") throw forbidden("a person who signed in");
  return caller;
}

/** The agent that sent a request which `allowAgent` let in. */
export function agentOf(request: FastifyRequest): AgentCaller {
  const caller = callerOf(request);
  if (caller.kind !== "agent") throw forbidden("an agent's credential");
  return caller;
}

/** The database as the tenant of the one who asks sees it. */
export function databaseFor(request: FastifyRequest, databases: Databases): Kysely<Database> {
  return databases.ofTenant(callerOf(request).tenantId);
}

/** Whether a caller may see what belongs to the agent: in its tenant, people by their role and agents only themselves. */
export function maySeeAgent(caller: Caller, agentId: string): boolean {
  return caller.kind !== "agent" || caller.agentId === agentId;
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError(401, detail, { headers: { "www-authenticate": 'Bearer realm="SaveOS"' } });
}

function forbidden(needed: string): ProblemError {
  return new ProblemError(403, `The credential is right, but this needs ${needed}.`);
}

function tooMany(secondsLeft: number): ProblemError {
  return new ProblemError(429, "Too many wrong credentials came from this address.", {
    headers: { "retry-after": String(secondsLeft) },
  });
}
