import { pageQuery, repository, repositoryChange, repositoryList, usage, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { etagOf } from "../../http/etags.ts";
import { changeQuota, findRepository, listRepositories, listUsage, versionOf } from "./repositories.ts";

/** The most repositories in one answer. */
const repositoriesMax = 500;
/** Two years. */
const daysMax = 731;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

const repositoryParams = z.object({ repository_id: uuid });

export function repositoryRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/repositories", {
      onRequest: access.allow("repositories:read"),
      schema: {
        ...describe("repositories", "repositories:read", "Repositories, oldest first", "With what is in them now."),
        querystring: z.strictObject(pageQuery(repositoriesMax)),
        response: { 200: repositoryList },
      },
      handler: async (request) => await listRepositories(databaseFor(request, databases), request.query),
    });

    app.get("/api/v1/repositories/:repository_id", {
      onRequest: access.allow("repositories:read"),
      schema: {
        ...describe("repositories", "repositories:read", "One repository", "With what is in it now."),
        params: repositoryParams,
        response: { 200: repository },
      },
      handler: async (request, reply) => {
        const found = await findRepository(databaseFor(request, databases), request.params.repository_id);
        return await reply.headers(etagOf(versionOf(found))).send(found);
      },
    });

    app.patch("/api/v1/repositories/:repository_id", {
      onRequest: access.allow("repositories:change"),
      schema: {
        ...describe(
          "repositories",
          "repositories:change",
          "Set a quota",
          "The gateway refuses uploads beyond it. What is stored stays.",
        ),
        params: repositoryParams,
        body: repositoryChange,
        response: { 200: repository },
      },
      handler: async (request, reply) => {
        const deps = { database: databaseFor(request, databases), clock };
        const asking = { caller: operatorOf(request), request };
        const changed = await changeQuota(deps, asking, request.params.repository_id, request.body.max_bytes);
        return await reply.headers(etagOf(versionOf(changed))).send(changed);
      },
    });

    app.get("/api/v1/repositories/:repository_id/usage", {
      onRequest: access.allow("repositories:read"),
      schema: {
        ...describe(
          "repositories",
          "repositories:read",
          "Growth",
          "What the repository held at the end of each day (UTC), oldest first.",
        ),
        params: repositoryParams,
        querystring: z.strictObject({ days: z.coerce.number().int().min(1).max(daysMax).default(30) }),
        response: { 200: usage },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { id } = await findRepository(database, request.params.repository_id);
        return await listUsage(database, id, request.query.days);
      },
    });
  };
}
