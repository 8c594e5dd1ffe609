import {
  jobAccepted,
  pageQuery,
  plan,
  planList,
  planRequest,
  planRun,
  retentionPreview,
  retentionPreviewRequest,
  runPreview,
  schedule,
  skippedRunList,
  timeZone,
  uuid,
} from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import { callerId } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { describe } from "../../http/describe.ts";
import { etagOf } from "../../http/etags.ts";
import { createOnce } from "../../http/idempotency.ts";
import { notFound } from "../../http/problem.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf } from "../audit/index.ts";
import { createPlan, deletePlan, replacePlan, requireGoodSchedule } from "./change-plan.ts";
import { previewPlan, previewSchedule } from "./preview-runs.ts";
import { findPlan, listPlans, toPlans } from "./queries.ts";
import { estimateRetention, previewRetention } from "./preview-retention.ts";
import { runPlan } from "./run-plan.ts";
import { listSkippedRuns } from "./skipped-runs.ts";

/** The most plans in one answer. */
const plansMax = 200;
/** The most skipped runs in one answer. */
const skippedMax = 500;
/** The longest lists of the longest paths that a plan may hold. */
const planMaxBytes = 10 * 1024 * 1024;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly queue: Pick<Queue, "enqueue">;
}

const planParams = z.object({ plan_id: uuid });

export function planRoutes({ databases, clock, access, queue }: Deps): FastifyPluginAsyncZod {
  const depsFor = (request: FastifyRequest) => ({ database: databaseFor(request, databases), clock, queue });
  const asking = (request: FastifyRequest) => ({ caller: operatorOf(request), request });

  const showPlan = async (database: Kysely<Database>, planId: string) => {
    const row = await findPlan(database, planId);
    const [body] = row === undefined ? [] : await toPlans(database, [row]);
    if (row === undefined || body === undefined) throw notFound("plan");
    return { version: row.version, body };
  };

  return async (app) => {
    app.get("/api/v1/plans", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe("plans", "plans:read", "Plans, by name", "All, or those that an agent has."),
        querystring: z.strictObject({
          enabled: z.stringbool({ truthy: ["true"], falsy: ["false"] }).optional(),
          agent_id: uuid.optional(),
          ...pageQuery(plansMax),
        }),
        response: { 200: planList },
      },
      handler: async (request) => await listPlans(databaseFor(request, databases), request.query),
    });

    app.post("/api/v1/plans", {
      onRequest: access.allow("plans:change"),
      bodyLimit: planMaxBytes,
      schema: {
        ...describe(
          "plans",
          "plans:change",
          "Make a plan",
          "Its first runs are worked out at once, by the clock of each machine.",
        ),
        body: planRequest,
        response: { 201: plan },
      },
      handler: async (request, reply) =>
        await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          const id = await createPlan({ ...deps, queue }, asking(request), request.body);
          const { version, body } = await showPlan(deps.database, id);
          reply.headers(etagOf(version));
          return { body, location: `/api/v1/plans/${id}` };
        }),
    });

    app.post("/api/v1/plans/preview", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe(
          "plans",
          "plans:read",
          "What a schedule would run",
          "In the next seven days, on a machine in the time zone.",
        ),
        body: z.strictObject({ schedule, time_zone: timeZone }),
        response: { 200: runPreview },
      },
      handler: async ({ body }) => {
        requireGoodSchedule(body.schedule);
        return previewSchedule({ clock }, body.schedule, body.time_zone);
      },
    });

    app.get("/api/v1/plans/:plan_id", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe("plans", "plans:read", "One plan", "With how many machines have it and when it next runs."),
        params: planParams,
        response: { 200: plan },
      },
      handler: async (request, reply) => {
        const { version, body } = await showPlan(databaseFor(request, databases), request.params.plan_id);
        return await reply.headers(etagOf(version)).send(body);
      },
    });

    app.put("/api/v1/plans/:plan_id", {
      onRequest: access.allow("plans:change"),
      bodyLimit: planMaxBytes,
      schema: {
        ...describe(
          "plans",
          "plans:change",
          "Replace a plan",
          "With `If-Match`, only if nobody else was faster (412). A shorter retention counts in a day only: until then it is the `pending_retention`.",
        ),
        params: planParams,
        body: planRequest,
        response: { 200: plan },
      },
      handler: async (request, reply) => {
        const { plan_id } = request.params;
        await replacePlan(depsFor(request), asking(request), plan_id, request.body);
        const { version, body } = await showPlan(databaseFor(request, databases), plan_id);
        return await reply.headers(etagOf(version)).send(body);
      },
    });

    app.delete("/api/v1/plans/:plan_id", {
      onRequest: access.allow("plans:change"),
      schema: {
        ...describe("plans", "plans:change", "Remove a plan", "What it backed up stays."),
        params: planParams,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await deletePlan(depsFor(request), asking(request), request.params.plan_id);
        return await reply.status(204).send(null);
      },
    });

    app.get("/api/v1/plans/:plan_id/preview", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe("plans", "plans:read", "What a plan will run", "In the next seven days, on each of its machines."),
        params: planParams,
        response: { 200: runPreview },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { plan_id } = request.params;
        if ((await findPlan(database, plan_id)) === undefined) throw notFound("plan");
        return await previewPlan({ database, clock }, plan_id);
      },
    });

    app.get("/api/v1/plans/:plan_id/retention", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe(
          "plans",
          "plans:read",
          "What a plan's retention would keep",
          "Of the snapshots that its runs made on the machine, by the times at which the server received them (UTC). It removes nothing.",
        ),
        params: planParams,
        querystring: z.strictObject({ agent_id: uuid }),
        response: { 200: retentionPreview },
      },
      handler: async (request) =>
        await previewRetention(databaseFor(request, databases), {
          planId: request.params.plan_id,
          agentId: request.query.agent_id,
        }),
    });

    app.post("/api/v1/plans/preview-retention", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe(
          "plans",
          "plans:read",
          "What a retention would keep, before a plan is saved with it",
          "Of the plan's snapshots on a machine, or without a plan of all that the machine stored, by the times at which the server received them (UTC).",
        ),
        body: retentionPreviewRequest,
        response: { 200: retentionPreview },
      },
      handler: async (request) => {
        const { agent_id: agentId, plan_id: planId, retention } = request.body;
        return await previewRetention(databaseFor(request, databases), { agentId, planId, retention });
      },
    });

    app.post("/api/v1/plans/preview-retention/estimate", {
      onRequest: access.allow("plans:change"),
      schema: {
        ...describe(
          "plans",
          "plans:change",
          "What that would free",
          "Only the machine can tell: it makes a dry run, and the job's summary has `bytes_freed`.",
        ),
        body: retentionPreviewRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          const { agent_id: agentId, plan_id: planId, retention } = request.body;
          const requestedBy = callerId(operatorOf(request));
          const jobId = await estimateRetention(deps, { agentId, planId, retention }, requestedBy);
          return { status: 202, location: `/api/v1/jobs/${jobId}`, body: { job_id: jobId, state: "pending" as const } };
        }),
    });

    app.get("/api/v1/plans/:plan_id/skipped-runs", {
      onRequest: access.allow("plans:read"),
      schema: {
        ...describe("plans", "plans:read", "Runs that did not take place", "And why, newest first."),
        params: planParams,
        querystring: z.strictObject(pageQuery(skippedMax)),
        response: { 200: skippedRunList },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { plan_id } = request.params;
        if ((await findPlan(database, plan_id)) === undefined) throw notFound("plan");
        return await listSkippedRuns(database, plan_id, request.query);
      },
    });

    app.post("/api/v1/plans/:plan_id/run", {
      onRequest: access.allow("jobs:run"),
      schema: {
        ...describe(
          "plans",
          "jobs:run",
          "Run a plan now",
          "On all machines that have it, but those that run it already.",
        ),
        params: planParams,
        response: { 202: planRun },
      },
      handler: async (request, reply) =>
        await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          const caller = operatorOf(request);
          const body = await runPlan(deps, caller, actorOf(caller, request), request.params.plan_id);
          return { status: 202, body };
        }),
    });
  };
}
