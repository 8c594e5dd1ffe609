import { createTenantRequest, createTenantResponse, tenant, tenantList, tenantRequest, uuid } from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { etagOf } from "../../http/etags.ts";
import { createOnce } from "../../http/idempotency.ts";
import type { Queue } from "../../queue/queue.ts";
import { changeTenant, createTenant, findTenant, requireFirstTenant } from "./tenants.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly queue: Pick<Queue, "enqueue">;
}

const tenantParams = z.object({ tenant_id: uuid });

/** Organisations: each owns its machines, plans and backups, and sees nothing of the others. */
export function tenantRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { databases, access } = deps;
  const asking = (request: FastifyRequest) => ({ caller: operatorOf(request), request });
  return async (app) => {
    app.get("/api/v1/tenants", {
      onRequest: access.allow("tenants:read"),
      schema: {
        ...describe(
          "team",
          "tenants:read",
          "The tenant that one works in",
          "`GET /api/v1/session` lists all that a person belongs to.",
        ),
        response: { 200: tenantList },
      },
      handler: async (request) => {
        const { tenant: own } = await findTenant(databaseFor(request, databases), operatorOf(request).tenantId);
        return { tenants: [own] };
      },
    });

    app.post("/api/v1/tenants", {
      onRequest: access.allow("tenants:create"),
      schema: {
        ...describe(
          "team",
          "tenants:create",
          "Make a tenant",
          "For owners of the server's first tenant. Its own first owner joins with the token in the answer, once.",
        ),
        body: createTenantRequest,
        response: { 201: createTenantResponse },
      },
      handler: async (request, reply) => {
        await requireFirstTenant(deps, operatorOf(request));
        const own = databaseFor(request, databases);
        return await createOnce({ ...deps, database: own, request, reply }, async ({ database }) => {
          const body = await createTenant({ ...deps, database }, asking(request), request.body);
          return { body, location: `/api/v1/tenants/${body.tenant.id}`, isSecret: true };
        });
      },
    });

    app.get("/api/v1/tenants/:tenant_id", {
      onRequest: access.allow("tenants:read"),
      schema: {
        ...describe("team", "tenants:read", "One tenant", "The one that one works in."),
        params: tenantParams,
        response: { 200: tenant },
      },
      handler: async (request, reply) => {
        const found = await findTenant(databaseFor(request, databases), request.params.tenant_id);
        return await reply.headers(etagOf(found.version)).send(found.tenant);
      },
    });

    app.patch("/api/v1/tenants/:tenant_id", {
      onRequest: access.allow("tenants:change"),
      schema: {
        ...describe(
          "team",
          "tenants:change",
          "Change a tenant",
          "The one that one works in: its name, and for how many days what was deleted can be brought back. Fewer days count in a day only.",
        ),
        params: tenantParams,
        body: tenantRequest,
        response: { 200: tenant },
      },
      handler: async (request, reply) => {
        const changed = await changeTenant(deps, asking(request), request.params.tenant_id, request.body);
        return await reply.headers(etagOf(changed.version)).send(changed.tenant);
      },
    });
  };
}
