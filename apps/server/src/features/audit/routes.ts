import { auditList, pageQuery } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor } from "../../access/access.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { listAudit } from "./list-audit.ts";

/** The most events in one answer. */
const eventsMax = 500;

interface Deps {
  readonly databases: Databases;
  readonly access: Access;
}

export function auditRoutes({ databases, access }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/audit", {
      onRequest: access.allow("audit:read"),
      schema: {
        ...describe("team", "audit:read", "Who did what, newest first", "When, from which address, and to what."),
        querystring: z.strictObject({
          action: z.string().max(100).optional(),
          actor_id: z.string().max(100).optional(),
          subject_id: z.string().max(100).optional(),
          ...pageQuery(eventsMax),
        }),
        response: { 200: auditList },
      },
      handler: async (request) => await listAudit(databaseFor(request, databases), request.query),
    });
  };
}
