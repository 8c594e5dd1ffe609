import { delayedChangeList, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { actorOf } from "../audit/index.ts";
import { listDelayed, withdrawChange } from "./delayed-changes.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

export function delayedChangeRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/delayed-changes", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Changes that wait a day",
          "A shorter retention or quarantine lets more be deleted, so it counts only a day after it was asked for.",
        ),
        response: { 200: delayedChangeList },
      },
      handler: async (request) => ({ delayed_changes: await listDelayed(databaseFor(request, databases)) }),
    });

    app.delete("/api/v1/delayed-changes/:change_id", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe("repositories", "repositories:delete", "Take back a change that waits", "Whoever asked for it."),
        params: z.object({ change_id: uuid }),
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        const by = actorOf(operatorOf(request), request);
        await withdrawChange({ database: databaseFor(request, databases), clock }, by, request.params.change_id);
        return await reply.status(204).send(null);
      },
    });
  };
}
