import { provisionRequest, provisionResponse, registerRequest, registerResponse } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import { ProblemError } from "../../http/problem.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf, nobodyAt } from "../audit/index.ts";
import { pinOfVault } from "../vault/index.ts";
import { provisionAgent } from "./provision-agent.ts";
import { registerAgent } from "./register-agent.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly queue: Pick<Queue, "enqueue">;
  /** PEM of the authority that agents are to trust. */
  readonly certificateAuthority: string;
  /** The server's address for agents, best as the administrator reached it. */
  readonly publicUrl: (request: FastifyRequest) => string;
}

export function enrolmentRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { databases, clock, access, certificateAuthority, publicUrl } = deps;
  return async (app) => {
    app.post("/api/v1/agents/provision", {
      onRequest: access.allow("agents:provision"),
      schema: {
        ...describe(
          "agents",
          "agents:provision",
          "Prepare the enrolment of a machine",
          "The answer is the file for `saveos-agent register`. Its token works once. It is shown here and nowhere else.",
        ),
        body: provisionRequest,
        response: { 201: provisionResponse },
      },
      handler: async (request, reply) => {
        const by = actorOf(operatorOf(request), request);
        const database = databaseFor(request, databases);
        const serverUrl = publicUrl(request);
        return await createOnce({ database, clock, request, reply }, async (transactionDeps) => {
          const { agentId, token, expiresAt } = await provisionAgent(transactionDeps, by, request.body);
          const { platform } = request.body;
          const vault = await pinOfVault(transactionDeps.database);
          const body = {
            agent_id: agentId,
            expires_at: expiresAt.toISOString(),
            enrolment: {
              server_url: serverUrl,
              certificate_authority: certificateAuthority,
              token,
              ...(vault === undefined ? {} : { vault }),
            },
            package_url: platform === undefined ? null : `${serverUrl}/download/agent/${platform}`,
          };
          return { body, location: `/api/v1/agents/${agentId}`, isSecret: true };
        });
      },
    });

    app.post("/api/v1/agents/register", {
      schema: {
        ...describe(
          "agent link",
          "anyone",
          "Enrol a machine",
          "The enrolment token in the body is what lets it in, once. 401 or 409 `enrolment-refused`: the token is unknown, has expired or was used.",
        ),
        body: registerRequest,
        response: { 201: registerResponse },
      },
      handler: async (request, reply) => {
        try {
          return await reply.status(201).send(await registerAgent(deps, nobodyAt(request), request.body));
        } catch (error) {
          if (error instanceof ProblemError) access.countFailure(request, error.message);
          throw error;
        }
      },
    });
  };
}
