import { apiKey, apiKeyList, createApiKeyRequest, createApiKeyResponse, pageQuery, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import { notFound } from "../../http/problem.ts";
import { actorOf } from "../audit/index.ts";
import { createApiKey, requireMayGive } from "./create-api-key.ts";
import { findApiKey, pageOfApiKeys } from "./list-api-keys.ts";
import { revokeApiKey } from "./revoke-api-key.ts";

/** The most keys in one answer. */
const keysMax = 500;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

const keyParams = z.object({ key_id: uuid });

/** Keys with which programs use the API. */
export function apiKeyRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/api-keys", {
      onRequest: access.allow("api-keys:read"),
      schema: {
        ...describe(
          "team",
          "api-keys:read",
          "API keys, oldest first",
          "Those that were revoked too, and of none what opens something.",
        ),
        querystring: z.strictObject(pageQuery(keysMax)),
        response: { 200: apiKeyList },
      },
      handler: async (request) => await pageOfApiKeys(databaseFor(request, databases), request.query),
    });

    app.post("/api/v1/api-keys", {
      onRequest: access.allow("api-keys:change"),
      schema: {
        ...describe(
          "team",
          "api-keys:change",
          "Make an API key",
          "The key is shown here and nowhere else. It may do at most what its maker may.",
        ),
        body: createApiKeyRequest,
        response: { 201: createApiKeyResponse },
      },
      handler: async (request, reply) => {
        const { expires_in_days: expiresInDays, ...wanted } = request.body;
        const caller = operatorOf(request);
        requireMayGive(caller, wanted);
        const database = databaseFor(request, databases);
        return await createOnce({ database, clock, request, reply }, async (deps) => {
          const created = await createApiKey(deps, actorOf(caller, request), { ...wanted, expiresInDays });
          const shown = await findApiKey(deps.database, created.id);
          if (shown === undefined) throw notFound("API key");
          return {
            body: { api_key: shown, key: created.key },
            location: `/api/v1/api-keys/${created.id}`,
            isSecret: true,
          };
        });
      },
    });

    app.get("/api/v1/api-keys/:key_id", {
      onRequest: access.allow("api-keys:read"),
      schema: {
        ...describe("team", "api-keys:read", "One API key", "Without what opens something."),
        params: keyParams,
        response: { 200: apiKey },
      },
      handler: async (request) => {
        const found = await findApiKey(databaseFor(request, databases), request.params.key_id);
        if (found === undefined) throw notFound("API key");
        return found;
      },
    });

    app.delete("/api/v1/api-keys/:key_id", {
      onRequest: access.allow("api-keys:change"),
      schema: {
        ...describe(
          "team",
          "api-keys:change",
          "Revoke an API key",
          "It opens nothing from the next request on. Doing it twice is fine.",
        ),
        params: keyParams,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        const database = databaseFor(request, databases);
        const by = actorOf(operatorOf(request), request);
        if (!(await revokeApiKey({ database, clock }, by, request.params.key_id))) throw notFound("API key");
        return await reply.status(204).send(null);
      },
    });
  };
}
