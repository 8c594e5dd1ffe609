import { agent, agentList, agentStats, heartbeatRequest, heartbeatResponse, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type Access, agentOf } from "../../access/access.ts";
import type { AgentLink } from "../../agent-link/agent-link.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { newestSnapshots } from "../../gateway/index.ts";
import { describe } from "../../http/describe.ts";
import { hangUpSignal } from "../../http/hang-up-signal.ts";
import { notFound } from "../../http/problem.ts";
import { answerHeartbeat } from "./answer-heartbeat.ts";
import { agentStatistics } from "./agent-statistics.ts";
import { findAgent, listAgents, toAgent } from "./queries.ts";
import { revokeAgent } from "./revoke-agent.ts";

/** The most agents in one answer: some 500 KB. */
const agentsMax = 1000;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly access: Access;
  readonly link: AgentLink;
  readonly onIdentityConflict: (agentId: string) => void;
}

const agentParams = z.object({ agent_id: uuid });

export function agentRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { database, clock, access } = deps;

  const showAgent = async (agentId: string) => {
    const found = await findAgent(database, agentId);
    if (found === undefined) throw notFound("agent");
    const newest = await newestSnapshots(database);
    return toAgent(found, clock.now(), newest.get(found.repository_id ?? ""));
  };

  return async (app) => {
    app.post("/api/v1/agents/heartbeat", {
      onRequest: access.requireAgent,
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
      handler: async (request, reply) => {
        return await answerHeartbeat(deps, agentOf(request).agentId, request.body, hangUpSignal(reply));
      },
    });

    app.get("/api/v1/agents/stats", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe("agents", "administrator", "Numbers about all agents", "Counted now, in the database."),
        response: { 200: agentStats },
      },
      handler: async () => await agentStatistics(deps),
    });

    app.get("/api/v1/agents", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe(
          "agents",
          "administrator",
          "Agents, by host name",
          "To go on, ask for those after the last one's id.",
        ),
        querystring: z.strictObject({
          after: uuid.optional(),
          limit: z.coerce.number().int().min(1).max(agentsMax).default(agentsMax),
        }),
        response: { 200: agentList },
      },
      handler: async ({ query }) => {
        const [rows, newest] = await Promise.all([listAgents(database, query), newestSnapshots(database)]);
        return { agents: rows.map((row) => toAgent(row, clock.now(), newest.get(row.repository_id ?? ""))) };
      },
    });

    app.get("/api/v1/agents/:agent_id", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe("agents", "administrator", "One agent", "What is known about it."),
        params: agentParams,
        response: { 200: agent },
      },
      handler: async ({ params }) => await showAgent(params.agent_id),
    });

    app.post("/api/v1/agents/:agent_id/revoke", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe(
          "agents",
          "administrator",
          "Shut an agent out",
          "Its credential stops working at once and its jobs are cancelled. What it backed up stays.",
        ),
        params: agentParams,
        response: { 200: agent },
      },
      handler: async ({ params }) => {
        await revokeAgent(deps, params.agent_id);
        return await showAgent(params.agent_id);
      },
    });
  };
}
