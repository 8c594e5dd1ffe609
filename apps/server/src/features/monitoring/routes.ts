import { type Health, health, liveness } from "@saveos/contract";
import type { FastifyReply } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, operatorOf } from "../../access/access.ts";
import { describe } from "../../http/describe.ts";
import type { Metrics } from "./metrics.ts";

interface Deps {
  readonly access: Access;
  readonly checkHealth: () => Promise<Health>;
  readonly metrics: Metrics;
}

export function monitoringRoutes({ access, checkHealth, metrics }: Deps): FastifyPluginAsyncZod {
  const answerReadiness = async (reply: FastifyReply) => {
    const found = await checkHealth();
    return await reply.status(found.status === "ready" ? 200 : 503).send(found);
  };

  return async (app) => {
    app.get("/health", {
      schema: {
        ...describe(
          "monitoring",
          "anyone",
          "Whether the server can work",
          "503 while its database or object store can't be used.",
        ),
        response: { 200: health, 503: health },
      },
      handler: async (_request, reply) => await answerReadiness(reply),
    });

    app.get("/health/ready", {
      schema: {
        ...describe(
          "monitoring",
          "anyone",
          "Whether the server can work",
          "The same as `/health`: send requests to this process only while it is 200.",
        ),
        response: { 200: health, 503: health },
      },
      handler: async (_request, reply) => await answerReadiness(reply),
    });

    app.get("/health/live", {
      schema: {
        ...describe(
          "monitoring",
          "anyone",
          "Whether the process answers",
          "Says nothing about database and storage: restart the server only if this fails.",
        ),
        response: { 200: liveness },
      },
      handler: async () => ({ status: "live" as const }),
    });

    app.get("/metrics", {
      onRequest: access.allow("monitoring:read"),
      schema: {
        ...describe(
          "monitoring",
          "monitoring:read",
          "Metrics",
          "In Prometheus' text format: of this process, and of the tenant of the one who asks.",
        ),
        response: { 200: z.string() },
      },
      serializerCompiler: () => (text) => String(text),
      handler: async (request, reply) =>
        await reply.header("content-type", metrics.contentType).send(await metrics.read(operatorOf(request).tenantId)),
    });
  };
}
