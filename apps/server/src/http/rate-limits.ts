import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import { fastify, type FastifyRequest, type onRequestAsyncHookHandler } from "fastify";
import type { KnownCallers } from "../access/known-callers.ts";
import { ProblemError } from "./problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route hashes a password that anybody may send. */
    readonly hashesPassword?: boolean;
  }
}

/** Requests in a minute. Each process counts for itself. */
export const limits = {
  /** By person: a dashboard on several screens, which asks anew after each event. */
  user: 600,
  /** By key: a script provisions 10,000 machines in four minutes, one after another as fast as the server can. */
  "api-key": 3000,
  /** By agent: some hundred times what heartbeats and the reports of running jobs need. */
  agent: 600,
  /**
   * By address, for no credential or one that this process hasn't seen to be right. After a restart all agents are strangers once, and thousands may come from
   * behind one address: ten thousand are back in less than seven minutes, within the lease of what they run.
   */
  stranger: 1500,
  /** By address: each costs a tenth of a second of a processor, and a whole office signs in at nine. */
  password: 60,
} as const;

type LimitName = keyof typeof limits;

const windowMs = 60_000;

/** A bound for memory, some 10 MB a limit. Who was not heard of for the longest time is counted from nothing again. */
const countedMax = 50_000;

/** A monitor asks often, and the documentation is some dozen files: neither has to do with the database or with anybody's secrets. */
const unlimited = /^\/(?:health|docs)(?:\/|$)/;

/**
 * Makes the hook that answers 429 to who asks too often (RFC 6585, section 4), and tells everybody how much they have left. It comes before anybody is asked who
 * they are: a flood from strangers must cost neither a question to the database nor the work of those who are known behind the same address.
 */
export async function requestLimiter(knownCallers: KnownCallers): Promise<onRequestAsyncHookHandler> {
  // Both listeners of a process count together, so the counters belong to neither. This app serves nothing.
  const counters = fastify();
  await counters.register(rateLimit, { global: false });
  const counterOf = (name: LimitName) => {
    const keyGenerator = (request: FastifyRequest) => keyOf(request, name);
    // The library's types leave `cache` out.
    const options = { max: limits[name], timeWindow: windowMs, cache: countedMax, keyGenerator };
    return counters.createRateLimit(options);
  };
  const counted = {
    user: counterOf("user"),
    "api-key": counterOf("api-key"),
    agent: counterOf("agent"),
    stranger: counterOf("stranger"),
    password: counterOf("password"),
  };

  /** Somebody's own limit; that of strangers goes by the whole network of an IPv6 address, of which one machine has all addresses. */
  const keyOf = (request: FastifyRequest, name: LimitName) =>
    name === "stranger" || name === "password"
      ? normalizeIP(request.ip)
      : (knownCallers.of(request)?.id ?? normalizeIP(request.ip));

  return async (request, reply) => {
    const name = limitFor(request, knownCallers);
    if (name === undefined) return;
    const count = await counted[name](request);
    if (count.isAllowed) return;
    const headers = {
      "ratelimit-limit": String(count.max),
      "ratelimit-remaining": String(count.remaining),
      "ratelimit-reset": String(count.ttlInSeconds),
    };
    if (!count.isExceeded) return void reply.headers(headers);
    throw new ProblemError(
      429,
      `These are more than ${count.max} requests in a minute. Go on in ${count.ttlInSeconds} seconds.`,
      {
        headers: { ...headers, "retry-after": String(count.ttlInSeconds) },
      },
    );
  };
}

function limitFor(request: FastifyRequest, knownCallers: KnownCallers): LimitName | undefined {
  const { url = "", config } = request.routeOptions;
  if (unlimited.test(url)) return undefined;
  if (config.hashesPassword === true) return "password";
  const known = knownCallers.of(request);
  if (known === undefined) return "stranger";
  // A backup of a million small objects is a million requests. What they may take is limited where they are stored.
  return url.startsWith("/restic/") ? undefined : known.kind;
}
