import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/schema.ts";
import { credentialOf } from "../http/credentials-of-request.ts";
import { ProblemError } from "../http/problem.ts";
import type { Administrator, AgentCaller, Caller } from "./caller.ts";
import { FailedAttempts, failuresMax } from "./failed-attempts.ts";
import { identify } from "./identify.ts";

/** Lets requests in or not. Every route but those that are open to all uses one of its three `require…` as its first hook. */
export interface Access {
  /** Who sends `request`; nothing without a credential or with a wrong one, which is counted: too many of those are answered with 429. */
  readonly authorize: (request: FastifyRequest) => Promise<Caller | undefined>;
  /** Refuses with 401 who isn't known, with 403 who is an agent. */
  readonly requireAdministrator: (request: FastifyRequest) => Promise<void>;
  /** Refuses with 401 who isn't known, with 403 who is an administrator. */
  readonly requireAgent: (request: FastifyRequest) => Promise<void>;
  /** Refuses with 401 who isn't known. The route itself must check what an agent may see. */
  readonly requireAnyone: (request: FastifyRequest) => Promise<void>;
  /** Counts and logs a failed attempt to get in. Throws 429 once there were too many from this address. */
  readonly countFailure: (request: FastifyRequest, reason: string) => void;
}

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  /** Told of each wrong credential. */
  readonly onRefused: () => void;
}

const noCredential = "This needs a credential: `Authorization: Bearer …`.";
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
    const credential = credentialOf(request.headers.authorization);
    if (credential === undefined) return undefined;
    const caller = await identify(deps, credential);
    if (caller !== undefined) callers.set(request, caller);
    else countFailure(request, wrongCredential);
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
    requireAnyone: async (request) => void (await requireCaller(request)),
    requireAdministrator: async (request) => {
      if ((await requireCaller(request)).kind !== "administrator") throw forbidden("an administrator's API key");
    },
    requireAgent: async (request) => {
      if ((await requireCaller(request)).kind !== "agent") throw forbidden("an agent's credential");
    },
  };
}

/** Who sent a request that one of the `require…` hooks let in. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw unauthorized("This needs a credential.");
  return caller;
}

/** The agent that sent a request which `requireAgent` let in. */
export function agentOf(request: FastifyRequest): AgentCaller {
  const caller = callerOf(request);
  if (caller.kind !== "agent") throw forbidden("an agent's credential");
  return caller;
}

/** Whether a caller may see what belongs to the agent. */
export function maySeeAgent(caller: Caller, agentId: string): caller is Administrator | AgentCaller {
  return caller.kind === "administrator" || caller.agentId === agentId;
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
