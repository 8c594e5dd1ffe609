import { job, jobList, reportsRequest, reportsResponse, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type Access, agentOf, callerOf, maySeeAgent } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound } from "../../http/problem.ts";
import { describe } from "../../http/describe.ts";
import { findJob, selectJobs, toJob } from "./queries.ts";
import { recordReports } from "./record-reports.ts";

/** The most jobs in one answer: some 300 KB. */
const jobsMax = 500;

/** A thousand reports with full summaries fit in this. */
const reportsMaxBytes = 2 * 1024 * 1024;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly access: Access;
}

export function jobRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { database, access } = deps;
  return async (app) => {
    app.get("/api/v1/jobs/:job_id", {
      onRequest: access.requireAnyone,
      schema: {
        ...describe("jobs", "administrator or agent", "One job", "An agent sees its own jobs only."),
        params: z.object({ job_id: uuid }),
        response: { 200: job },
      },
      handler: async (request) => {
        const found = await findJob(database, request.params.job_id);
        if (found === undefined || !maySeeAgent(callerOf(request), found.agent_id)) throw notFound("job");
        return toJob(found);
      },
    });

    app.get("/api/v1/jobs", {
      onRequest: access.requireAdministrator,
      schema: {
        ...describe("jobs", "administrator", "Jobs, newest first", "To go on, ask for those before the last one's id."),
        querystring: z.strictObject({
          agent_id: uuid.optional(),
          before: uuid.optional(),
          limit: z.coerce.number().int().min(1).max(jobsMax).default(50),
        }),
        response: { 200: jobList },
      },
      handler: async ({ query: { agent_id, before, limit } }) => {
        const rows = await selectJobs(database, { agentId: agent_id, before, limit });
        return { jobs: rows.map(toJob) };
      },
    });

    app.post("/api/v1/agents/reports", {
      onRequest: access.requireAgent,
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
      handler: async (request) => await recordReports(deps, agentOf(request).agentId, request.body.reports),
    });
  };
}
