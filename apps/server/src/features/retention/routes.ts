import { heldDeletion, heldDeletionList, pageQuery, uuid } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { actorOf } from "../audit/index.ts";
import { decideHeld, listHeld } from "./held-deletions.ts";

/** The most held deletions in one answer: each may name thousands of snapshots. */
const heldMax = 50;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

const heldParams = z.object({ held_deletion_id: uuid });

export function retentionRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  const decide = async (request: FastifyRequest, id: string, decision: "approved" | "rejected") => {
    const by = actorOf(operatorOf(request), request);
    return await decideHeld({ database: databaseFor(request, databases), clock }, by, id, decision);
  };

  return async (app) => {
    app.get("/api/v1/held-deletions", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Deletions that wait for a person",
          "A plan's retention that would remove more than half of a machine's snapshots is held. Newest first.",
        ),
        querystring: z.strictObject(pageQuery(heldMax)),
        response: { 200: heldDeletionList },
      },
      handler: async (request) => await listHeld(databaseFor(request, databases), request.query),
    });

    app.post("/api/v1/held-deletions/:held_deletion_id/approve", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Let a held deletion go on",
          "Exactly the listed snapshots are forgotten. 409: it was decided already, or the plan has changed.",
        ),
        params: heldParams,
        response: { 200: heldDeletion },
      },
      handler: async (request) => await decide(request, request.params.held_deletion_id, "approved"),
    });

    app.post("/api/v1/held-deletions/:held_deletion_id/reject", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "repositories",
          "repositories:delete",
          "Stop a held deletion",
          "Nothing is forgotten on that machine until the plan changes. 409: it was decided already, or the plan has changed.",
        ),
        params: heldParams,
        response: { 200: heldDeletion },
      },
      handler: async (request) => await decide(request, request.params.held_deletion_id, "rejected"),
    });
  };
}
