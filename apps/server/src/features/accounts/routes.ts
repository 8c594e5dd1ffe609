import {
  acceptInvitationRequest,
  changePasswordRequest,
  changeSessionRequest,
  session,
  setUpRequest,
  signInRequest,
} from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, personOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { ProblemError } from "../../http/problem.ts";
import { actorOf, recordAudit } from "../audit/index.ts";
import { acceptInvitation } from "./accept-invitation.ts";
import type { Auth } from "./auth.ts";
import { changePassword } from "./change-password.ts";
import { recordSignIn } from "./record-sign-in.ts";
import { setUp } from "./set-up.ts";
import { changeTenant, showSession } from "./show-session.ts";
import { beginSession, endSession, signIn } from "./sign-in.ts";
import type { SignInLimit } from "./sign-in-limit.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly auth: Auth;
  readonly signInLimit: SignInLimit;
}

const nothing = z.null().describe("Nothing.");

/** Ways in for people: the first, by invitation, and every day. */
export function accountRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { databases, clock, access, auth } = deps;
  const { accounts } = databases;

  /** A wrong token is a guess at a secret: counted as wrong credentials are. */
  const countRefusals = async <T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) access.countFailure(request, error.message);
      throw error;
    }
  };

  return async (app) => {
    app.post("/api/v1/setup", {
      config: { hashesPassword: true },
      schema: {
        ...describe(
          "team",
          "anyone",
          "Set the server up",
          "The token of the link that the server printed lets the first owner in, once.",
        ),
        body: setUpRequest,
        response: { 201: nothing },
      },
      handler: async (request, reply) => {
        const { body } = request;
        const { userId, tenantId } = await countRefusals(request, async () => await setUp({ accounts, clock }, body));
        const by = { kind: "user", id: userId, name: body.name, address: request.ip } as const;
        const subject = { kind: "tenant", id: tenantId, name: body.tenant_name };
        await recordAudit(databases.ofTenant(tenantId), clock, { by, action: "server.set-up", subject });
        await beginSession(auth, body, request, reply);
        return await reply.status(201).send(null);
      },
    });

    app.post("/api/v1/invitations/accept", {
      config: { hashesPassword: true },
      schema: {
        ...describe("team", "anyone", "Join a tenant", "The token of the invitation lets its person in, once."),
        body: acceptInvitationRequest,
        response: { 201: nothing },
      },
      handler: async (request, reply) => {
        const { body } = request;
        const joined = await countRefusals(
          request,
          async () => await acceptInvitation({ ...deps, accounts }, body, request.ip),
        );
        const by = { kind: "user", id: joined.userId, name: body.name, address: request.ip } as const;
        const subject = { kind: "user", id: joined.userId, name: joined.email };
        await recordAudit(databases.ofTenant(joined.tenantId), clock, { by, action: "user.joined", subject });
        await beginSession(auth, { email: joined.email, password: body.password }, request, reply);
        return await reply.status(201).send(null);
      },
    });

    app.post("/api/v1/session", {
      config: { hashesPassword: true },
      schema: {
        ...describe("team", "anyone", "Sign in", "Sets the cookie of a session."),
        body: signInRequest,
        response: { 204: nothing },
      },
      handler: async (request, reply) => {
        await signIn({ ...deps, accounts }, request.body, request, reply);
        return await reply.status(204).send(null);
      },
      onResponse: async (request, { statusCode }) => {
        const outcome = statusCode === 204 ? "signed-in" : statusCode === 401 ? "refused" : undefined;
        if (outcome !== undefined) await recordSignIn(deps, request.body.email, outcome, request);
      },
    });

    app.get("/api/v1/session", {
      onRequest: access.allowPerson,
      schema: {
        ...describe("team", "person", "Who is signed in", "In which tenant, as what, and what they may do there."),
        response: { 200: session },
      },
      handler: async (request) => await showSession(accounts, personOf(request)),
    });

    app.patch("/api/v1/session", {
      onRequest: access.allowPerson,
      schema: {
        ...describe("team", "person", "Go on in another tenant", "One that the person belongs to."),
        body: changeSessionRequest,
        response: { 200: session },
      },
      handler: async (request) =>
        await showSession(accounts, await changeTenant(accounts, personOf(request), request.body.tenant_id)),
    });

    app.delete("/api/v1/session", {
      onRequest: access.allowPerson,
      schema: {
        ...describe("team", "person", "Sign out", "The session opens nothing any more."),
        response: { 204: nothing },
      },
      handler: async (request, reply) => {
        await endSession(auth, request, reply);
        return await reply.status(204).send(null);
      },
    });

    app.post("/api/v1/session/password", {
      onRequest: access.allowPerson,
      schema: {
        ...describe("team", "person", "Change one's password", "Ends all other sessions of the person."),
        body: changePasswordRequest,
        response: { 204: nothing },
      },
      handler: async (request, reply) => {
        const person = personOf(request);
        await changePassword({ ...deps, accounts }, person, request.body, request.ip);
        const subject = { kind: "user", id: person.userId, name: person.name };
        const deed = { by: actorOf(person, request), action: "user.changed-password", subject };
        await recordAudit(databases.ofTenant(person.tenantId), clock, deed);
        return await reply.status(204).send(null);
      },
    });
  };
}
