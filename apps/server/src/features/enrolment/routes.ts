import { provisionRequest, provisionResponse, registerRequest, registerResponse } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import type { Access } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { describe } from "../../http/describe.ts";
import { ProblemError } from "../../http/problem.ts";
import { provisionAgent } from "./provision-agent.ts";
import { registerAgent } from "./register-agent.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly access: Access;
  /** PEM of the authority that agents are to trust. */
  readonly certificateAuthority: string;
  /** The server's address for agents, best as the administrator reached it. */
  readonly publicUrl: (request: FastifyRequest) => string;
}

export function enrolmentRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { access, certificateAuthority, publicUrl } = deps;
  return async (app) => {
    app.post("/api/v1/agents/provision", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe(
          "agents",
          "administrator",
          "Prepare the enrolment of a machine",
          "The answer is the file for `saveos-agent register`. Its token works once. It is shown here and nowhere else.",
        ),
        body: provisionRequest,
        response: { 201: provisionResponse },
      },
      handler: async (request, reply) => {
        const { agentId, token, expiresAt } = await provisionAgent(deps, request.body);
        return await reply.status(201).send({
          agent_id: agentId,
          expires_at: expiresAt.toISOString(),
          enrolment: { server_url: publicUrl(request), certificate_authority: certificateAuthority, token },
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
          return await reply.status(201).send(await registerAgent(deps, request.body));
        } catch (error) {
          if (error instanceof ProblemError) access.countFailure(request, error.message);
          throw error;
        }
      },
    });
  };
}
