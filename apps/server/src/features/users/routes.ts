import {
  changeUserRequest,
  inviteRequest,
  inviteResponse,
  pageQuery,
  role,
  user,
  userList,
  uuid,
} from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { etagOf } from "../../http/etags.ts";
import { createOnce } from "../../http/idempotency.ts";
import { notFound } from "../../http/problem.ts";
import { changeRole, inviteUser, removeUser } from "./change-members.ts";
import { findUser, listUsers } from "./queries.ts";

/** The most people in one answer. */
const usersMax = 500;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

const userParams = z.object({ user_id: uuid });

/** The people of a tenant. */
export function userRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  const asking = (request: FastifyRequest) => ({ caller: operatorOf(request), request });
  const depsFor = (request: FastifyRequest) => ({ database: databaseFor(request, databases), clock });
  return async (app) => {
    app.get("/api/v1/users", {
      onRequest: access.allow("users:read"),
      schema: {
        ...describe("team", "users:read", "The people of the tenant", "In the order in which they joined."),
        querystring: z.strictObject({ role: role.optional(), ...pageQuery(usersMax) }),
        response: { 200: userList },
      },
      handler: async (request) => await listUsers(databaseFor(request, databases), request.query),
    });

    app.post("/api/v1/users", {
      onRequest: access.allow("users:change"),
      schema: {
        ...describe(
          "team",
          "users:change",
          "Invite a person",
          "The answer holds a token that lets them join, once. It is shown here and nowhere else.",
        ),
        body: inviteRequest,
        response: { 201: inviteResponse },
      },
      handler: async (request, reply) =>
        await createOnce({ ...depsFor(request), request, reply }, async (deps) => ({
          body: await inviteUser(deps, asking(request), request.body),
          isSecret: true,
        })),
    });

    app.get("/api/v1/users/:user_id", {
      onRequest: access.allow("users:read"),
      schema: {
        ...describe("team", "users:read", "One person", "By their id."),
        params: userParams,
        response: { 200: user },
      },
      handler: async (request, reply) => {
        const found = await findUser(databaseFor(request, databases), request.params.user_id);
        if (found === undefined) throw notFound("user");
        return await reply.headers(etagOf(found.role)).send(found);
      },
    });

    app.patch("/api/v1/users/:user_id", {
      onRequest: access.allow("users:change"),
      schema: {
        ...describe(
          "team",
          "users:change",
          "Give a person another role",
          "Only owners have a say over owners, and one owner always stays.",
        ),
        params: userParams,
        body: changeUserRequest,
        response: { 200: user },
      },
      handler: async (request, reply) => {
        const changed = await changeRole(depsFor(request), asking(request), request.params.user_id, request.body.role);
        return await reply.headers(etagOf(changed.role)).send(changed);
      },
    });

    app.delete("/api/v1/users/:user_id", {
      onRequest: access.allow("users:change"),
      schema: {
        ...describe("team", "users:change", "Take a person out of the tenant", "From their next request on."),
        params: userParams,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await removeUser(depsFor(request), asking(request), request.params.user_id);
        return await reply.status(204).send(null);
      },
    });
  };
}
