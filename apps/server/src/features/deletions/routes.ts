import {
  grant,
  grantList,
  grantRequest,
  pageQuery,
  quarantine,
  undelete,
  undeleteRequest,
  uuid,
} from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf } from "../audit/index.ts";
import { createGrant, endGrant, listGrants } from "./grants.ts";
import { listQuarantine } from "./list-quarantine.ts";
import { findUndelete, startUndelete } from "./undelete.ts";

/** The most grants or deleted snapshots in one answer. */
const listMax = 500;
/** The longest list of snapshots that a grant may name. */
const grantMaxBytes = 1024 * 1024;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly queue: Pick<Queue, "enqueue">;
}

const repositoryParams = z.object({ repository_id: uuid });

/** Deletion needs two, and can be undone for a while. */
export function deletionRoutes({ databases, clock, access, queue }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/repositories/:repository_id/quarantine", {
      onRequest: access.allow("repositories:read"),
      schema: {
        ...describe(
          "repositories",
          "repositories:read",
          "What was deleted and can be brought back",
          "Snapshots, those deleted last first, and how much besides.",
        ),
        params: repositoryParams,
        querystring: z.strictObject(pageQuery(listMax)),
        response: { 200: quarantine },
      },
      handler: async (request) =>
        await listQuarantine(databaseFor(request, databases), request.params.repository_id, request.query),
    });

    app.post("/api/v1/repositories/:repository_id/undelete", {
      onRequest: access.allow("repositories:change"),
      schema: {
        ...describe(
          "repositories",
          "repositories:change",
          "Bring a snapshot back",
          "Whole, with all that was deleted since the server received it; also one that is there and whose data was deleted. Until it is done, nothing of the repository " +
            "can be deleted. 409: something may be being deleted now.",
        ),
        params: repositoryParams,
        body: undeleteRequest,
        response: { 202: undelete },
      },
      handler: async (request, reply) => {
        const caller = operatorOf(request);
        const asking = { tenantId: caller.tenantId, by: actorOf(caller, request) };
        const { repository_id } = request.params;
        const database = databaseFor(request, databases);
        return await createOnce({ database, clock, request, reply }, async (deps) => {
          const body = await startUndelete({ ...deps, queue }, asking, repository_id, request.body.snapshot_id);
          return { status: 202, location: `/api/v1/undeletes/${body.id}`, body };
        });
      },
    });

    app.get("/api/v1/undeletes/:undelete_id", {
      onRequest: access.allow("repositories:read"),
      schema: {
        ...describe("repositories", "repositories:read", "How far bringing back is", "With what came back so far."),
        params: z.object({ undelete_id: uuid }),
        response: { 200: undelete },
      },
      handler: async (request) => await findUndelete(databaseFor(request, databases), request.params.undelete_id),
    });

    app.get("/api/v1/repositories/:repository_id/grants", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Who may delete, and who did",
          "Grants of jobs and API keys, newest first.",
        ),
        params: repositoryParams,
        querystring: z.strictObject(pageQuery(listMax)),
        response: { 200: grantList },
      },
      handler: async (request) =>
        await listGrants(databaseFor(request, databases), request.params.repository_id, request.query),
    });

    app.post("/api/v1/repositories/:repository_id/grants", {
      onRequest: access.allow("repositories:delete"),
      bodyLimit: grantMaxBytes,
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Let an API key delete for a while",
          "So that stock `restic` can forget, prune or remove keys with it. What is deleted goes to quarantine.",
        ),
        params: repositoryParams,
        body: grantRequest,
        response: { 201: grant },
      },
      handler: async (request, reply) => {
        const caller = operatorOf(request);
        const asking = { caller, by: actorOf(caller, request) };
        const { repository_id } = request.params;
        const database = databaseFor(request, databases);
        return await createOnce({ database, clock, request, reply }, async (deps) => {
          const body = await createGrant(deps, asking, repository_id, request.body);
          return { body, location: `/api/v1/repositories/${repository_id}/grants` };
        });
      },
    });

    app.delete("/api/v1/grants/:grant_id", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe("repositories", "repositories:delete", "End a grant before its time", "A job's, too."),
        params: z.object({ grant_id: uuid }),
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        const by = actorOf(operatorOf(request), request);
        await endGrant({ database: databaseFor(request, databases), clock }, by, request.params.grant_id);
        return await reply.status(204).send(null);
      },
    });
  };
}
