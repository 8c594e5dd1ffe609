import {
  agent,
  agentChange,
  agentList,
  agentState,
  agentStats,
  credentialResponse,
  heartbeatRequest,
  heartbeatResponse,
  pageQuery,
  platform,
  uuid,
} from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type Access, agentOf, databaseFor, operatorOf } from "../../access/access.ts";
import type { AgentLink } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { newestSnapshotsOf } from "../../gateway/index.ts";
import { describe } from "../../http/describe.ts";
import { etagOf } from "../../http/etags.ts";
import { hangUpSignal } from "../../http/hang-up-signal.ts";
import { notFound } from "../../http/problem.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf } from "../audit/index.ts";
import { answerHeartbeat } from "./answer-heartbeat.ts";
import { agentStatistics } from "./agent-statistics.ts";
import { changeAgent } from "./change-agent.ts";
import { findAgent, listAgents, toAgent } from "./queries.ts";
import { revokeAgent } from "./revoke-agent.ts";
import { rotateCredential } from "./rotate-credential.ts";

/** The most agents in one answer: some 500 KB. */
const agentsMax = 1000;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly link: AgentLink;
  readonly queue: Pick<Queue, "enqueue">;
  readonly onIdentityConflict: (agentId: string) => void;
}

const agentParams = z.object({ agent_id: uuid });

export function agentRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { databases, clock, access } = deps;
  const depsFor = (request: FastifyRequest) => ({ ...deps, database: databaseFor(request, databases) });

  const showAgent = async (database: Kysely<Database>, agentId: string) => {
    const found = await findAgent(database, agentId);
    if (found === undefined) throw notFound("agent");
    const newest = await newestSnapshotsOf(database, [found.repository_id]);
    return { version: found.version, body: toAgent(found, clock.now(), newest.get(found.repository_id ?? "")) };
  };

  return async (app) => {
    app.post("/api/v1/agents/heartbeat", {
      onRequest: access.allowAgent,
      schema: {
        ...describe(
          "agent link",
          "agent",
          "Say that the agent is alive, and wait for orders",
          "The answer comes as soon as there is an order, and at the latest after `wait_seconds`. Orders that were not started are repeated. " +
            "409 `identity-conflict`: two machines use one credential.",
        ),
        body: heartbeatRequest,
        response: { 200: heartbeatResponse },
      },
      handler: async (request, reply) =>
        await answerHeartbeat(depsFor(request), agentOf(request), request.body, hangUpSignal(reply)),
    });

    app.post("/api/v1/agents/credential", {
      onRequest: access.allowAgent,
      schema: {
        ...describe(
          "agent link",
          "agent",
          "Get a new credential",
          "The one that asks goes on working until the new one is first used.",
        ),
        body: z.strictObject({}),
        response: { 200: credentialResponse },
      },
      handler: async (request) => {
        const caller = agentOf(request);
        return await rotateCredential(depsFor(request), caller, actorOf(caller, request));
      },
    });

    app.get("/api/v1/agents/stats", {
      onRequest: access.allow("monitoring:read"),
      schema: {
        ...describe("agents", "monitoring:read", "Numbers about all agents", "Counted now, in the database."),
        response: { 200: agentStats },
      },
      handler: async (request) => await agentStatistics(depsFor(request)),
    });

    app.get("/api/v1/agents", {
      onRequest: access.allow("agents:read"),
      schema: {
        ...describe(
          "agents",
          "agents:read",
          "Agents, by host name",
          "All, or those of a state, platform, tag or name.",
        ),
        querystring: z.strictObject({
          state: agentState.optional(),
          platform: platform.optional(),
          tag: z.string().min(1).max(256).optional(),
          hostname: z.string().min(1).max(253).optional(),
          ...pageQuery(agentsMax),
        }),
        response: { 200: agentList },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { rows, nextCursor } = await listAgents(database, clock.now(), request.query);
        const newest = await newestSnapshotsOf(
          database,
          rows.map(({ repository_id }) => repository_id),
        );
        const agents = rows.map((row) => toAgent(row, clock.now(), newest.get(row.repository_id ?? "")));
        return { agents, next_cursor: nextCursor };
      },
    });

    app.get("/api/v1/agents/:agent_id", {
      onRequest: access.allow("agents:read"),
      schema: {
        ...describe("agents", "agents:read", "One agent", "What is known about it."),
        params: agentParams,
        response: { 200: agent },
      },
      handler: async (request, reply) => {
        const { version, body } = await showAgent(databaseFor(request, databases), request.params.agent_id);
        return await reply.headers(etagOf(version)).send(body);
      },
    });

    app.patch("/api/v1/agents/:agent_id", {
      onRequest: access.allow("agents:change"),
      schema: {
        ...describe(
          "agents",
          "agents:change",
          "Change an agent's tags",
          "Plans are for tags: the agent gets those of its new ones and loses the others.",
        ),
        params: agentParams,
        body: agentChange,
        response: { 200: agent },
      },
      handler: async (request, reply) => {
        const asking = { caller: operatorOf(request), request };
        const { agent_id } = request.params;
        await changeAgent(depsFor(request), asking, agent_id, request.body.tags);
        const { version, body } = await showAgent(databaseFor(request, databases), agent_id);
        return await reply.headers(etagOf(version)).send(body);
      },
    });

    app.post("/api/v1/agents/:agent_id/revoke", {
      onRequest: access.allow("agents:revoke"),
      schema: {
        ...describe(
          "agents",
          "agents:revoke",
          "Shut an agent out",
          "Its credential stops working at once and its jobs are cancelled. What it backed up stays.",
        ),
        params: agentParams,
        response: { 200: agent },
      },
      handler: async (request) => {
        const caller = operatorOf(request);
        const { agent_id } = request.params;
        await revokeAgent(depsFor(request), caller.tenantId, actorOf(caller, request), agent_id);
        return (await showAgent(databaseFor(request, databases), agent_id)).body;
      },
    });
  };
}
