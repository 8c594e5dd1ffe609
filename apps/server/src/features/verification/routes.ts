import {
  finding,
  findingKind,
  findingList,
  findingState,
  pageQuery,
  repositoryVerification,
  uuid,
  verification,
} from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { inTransaction } from "../../database/in-transaction.ts";
import { describe } from "../../http/describe.ts";
import { notFound } from "../../http/problem.ts";
import { actorOf } from "../audit/index.ts";
import { findFinding, listFindings } from "./queries.ts";
import { requestVerification } from "./request-verification.ts";
import { showProgress, showRepositoryProgress } from "./show-progress.ts";

/** The most findings in one answer: some 300 KB. */
const findingsMax = 500;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly verifyMaxBytesPerSecond: number;
}

const repositoryParams = z.object({ repository_id: uuid });

export function verificationRoutes({ databases, clock, access, verifyMaxBytesPerSecond }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/verification", {
      onRequest: access.allow("verification:read"),
      schema: {
        ...describe(
          "verification",
          "verification:read",
          "How far verification is",
          "The server reads everything that is stored again, oldest first, and compares it with its name. Every byte's turn comes within 30 days; `behind` says that it doesn't.",
        ),
        response: { 200: verification },
      },
      handler: async (request) =>
        await showProgress({ database: databaseFor(request, databases), clock }, verifyMaxBytesPerSecond),
    });

    app.get("/api/v1/verification/findings", {
      onRequest: access.allow("verification:read"),
      schema: {
        ...describe(
          "verification",
          "verification:read",
          "Findings, newest first",
          "Objects that are damaged, missing or unreadable, and what became of them. Of one repository, state or kind, or all.",
        ),
        querystring: z.strictObject({
          repository_id: uuid.optional(),
          state: findingState.optional(),
          what: findingKind.optional(),
          ...pageQuery(findingsMax),
        }),
        response: { 200: findingList },
      },
      handler: async (request) => await listFindings(databaseFor(request, databases), request.query),
    });

    app.get("/api/v1/verification/findings/:finding_id", {
      onRequest: access.allow("verification:read"),
      schema: {
        ...describe(
          "verification",
          "verification:read",
          "One finding",
          "What is wrong with an object, and what became of it.",
        ),
        params: z.object({ finding_id: uuid }),
        response: { 200: finding },
      },
      handler: async (request) => {
        const found = await findFinding(databaseFor(request, databases), request.params.finding_id);
        if (found === undefined) throw notFound("finding");
        return found;
      },
    });

    app.get("/api/v1/repositories/:repository_id/verification", {
      onRequest: access.allow("verification:read"),
      schema: {
        ...describe(
          "verification",
          "verification:read",
          "How far the verification of a repository is",
          "And whether somebody asked for it, and when that was done.",
        ),
        params: repositoryParams,
        response: { 200: repositoryVerification },
      },
      handler: async (request) =>
        await showRepositoryProgress(
          { database: databaseFor(request, databases), clock },
          request.params.repository_id,
        ),
    });

    app.post("/api/v1/repositories/:repository_id/verification", {
      onRequest: access.allow("verification:run"),
      schema: {
        ...describe(
          "verification",
          "verification:run",
          "Verify a repository now",
          "Its objects are read before all others, whenever they were last. Once an hour.",
        ),
        params: repositoryParams,
        response: { 202: repositoryVerification },
      },
      handler: async (request, reply) => {
        const by = actorOf(operatorOf(request), request);
        const requested = await inTransaction(
          databaseFor(request, databases),
          async (database) => await requestVerification({ database, clock }, by, request.params.repository_id),
        );
        return await reply.status(202).send(requested);
      },
    });
  };
}
