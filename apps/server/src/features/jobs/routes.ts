import {
  job,
  jobAccepted,
  jobKind,
  jobList,
  jobLog,
  jobState,
  pageQuery,
  reportsRequest,
  reportsResponse,
  uuid,
} from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, agentOf, callerOf, databaseFor, maySeeAgent, operatorOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import { notFound } from "../../http/problem.ts";
import type { Queue } from "../../queue/queue.ts";
import { actorOf } from "../audit/index.ts";
import { cancelJob } from "./cancel-job.ts";
import { findJob, listJobs, listLog, toJob } from "./queries.ts";
import { recordReports } from "./record-reports.ts";
import { repeatJob } from "./repeat-job.ts";

/** The most jobs in one answer: some 500 KB. */
const jobsMax = 500;

/** The most lines of a log in one answer. */
const linesMax = 1000;

/** A thousand reports with full summaries fit in this. */
const reportsMaxBytes = 2 * 1024 * 1024;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  readonly queue: Pick<Queue, "enqueue">;
}

const jobParams = z.object({ job_id: uuid });

export function jobRoutes({ databases, clock, access, queue }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/jobs", {
      onRequest: access.allow("jobs:read"),
      schema: {
        ...describe("jobs", "jobs:read", "Jobs, newest first", "Of one agent, plan, kind or state, or all."),
        querystring: z.strictObject({
          agent_id: uuid.optional(),
          plan_id: uuid.optional(),
          kind: jobKind.optional(),
          state: jobState.optional(),
          ...pageQuery(jobsMax),
        }),
        response: { 200: jobList },
      },
      handler: async (request) => await listJobs(databaseFor(request, databases), request.query),
    });

    app.get("/api/v1/jobs/:job_id", {
      onRequest: access.allowOrAgent("jobs:read"),
      schema: {
        ...describe("jobs", "jobs:read or agent", "One job", "An agent sees its own jobs only."),
        params: jobParams,
        response: { 200: job },
      },
      handler: async (request) => {
        const found = await findJob(databaseFor(request, databases), request.params.job_id);
        if (found === undefined || !maySeeAgent(callerOf(request), found.agent_id)) throw notFound("job");
        return toJob(found);
      },
    });

    app.get("/api/v1/jobs/:job_id/log", {
      onRequest: access.allow("jobs:read"),
      schema: {
        ...describe(
          "jobs",
          "jobs:read",
          "The log of a job",
          "What its agent told about it, oldest first. Names of files stay on the machine.",
        ),
        params: jobParams,
        querystring: z.strictObject(pageQuery(linesMax)),
        response: { 200: jobLog },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { job_id } = request.params;
        if ((await findJob(database, job_id)) === undefined) throw notFound("job");
        return await listLog(database, job_id, request.query);
      },
    });

    app.post("/api/v1/jobs/:job_id/cancel", {
      onRequest: access.allow("jobs:cancel"),
      schema: {
        ...describe(
          "jobs",
          "jobs:cancel",
          "Cancel a job",
          "Its agent is told at once and stops within seconds. 409: it has ended already.",
        ),
        params: jobParams,
        response: { 200: job },
      },
      handler: async (request) => {
        const by = actorOf(operatorOf(request), request);
        return await cancelJob({ database: databaseFor(request, databases), clock }, by, request.params.job_id);
      },
    });

    app.post("/api/v1/jobs/:job_id/retry", {
      onRequest: access.allow("jobs:run"),
      schema: {
        ...describe(
          "jobs",
          "jobs:run",
          "Do again what a job did",
          "As a new job. A restore needs `jobs:restore`, and what deletes `repositories:delete`. 409: it hasn't ended yet.",
        ),
        params: jobParams,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) => {
        const caller = operatorOf(request);
        const database = databaseFor(request, databases);
        return await createOnce({ database, clock, request, reply }, async (deps) => {
          const id = await repeatJob(deps, caller, actorOf(caller, request), request.params.job_id);
          return { status: 202, location: `/api/v1/jobs/${id}`, body: { job_id: id, state: "pending" } };
        });
      },
    });

    app.post("/api/v1/agents/reports", {
      onRequest: access.allowAgent,
      bodyLimit: reportsMaxBytes,
      schema: {
        ...describe(
          "agent link",
          "agent",
          "Tell how jobs go",
          "Safe to send again: each report counts once, by its job and sequence.",
        ),
        body: reportsRequest,
        response: { 200: reportsResponse },
      },
      handler: async (request, reply) => {
        const { reports } = request.body;
        const deps = { database: databaseFor(request, databases), clock, queue };
        const recorded = await recordReports(deps, agentOf(request), reports);
        // The next report of this agent is hours away: the connection that it opened beside its heartbeat's needn't be kept for it.
        if (reports.at(-1)?.kind === "finished") reply.header("connection", "close");
        return recorded;
      },
    });
  };
}
