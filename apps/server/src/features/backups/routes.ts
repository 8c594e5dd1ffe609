import { backupRequest, jobAccepted, snapshotList, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type Access, callerOf } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { describe } from "../../http/describe.ts";
import { listSnapshots } from "./list-snapshots.ts";
import { requestBackup } from "./request-backup.ts";

/** The longest lists of the longest paths that an order may hold. */
const orderMaxBytes = 10 * 1024 * 1024;

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
  readonly access: Access;
}

export function backupRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { database, access } = deps;
  return async (app) => {
    app.post("/api/v1/backup", {
      onRequest: access.requireAdministrator,
      bodyLimit: orderMaxBytes,
      schema: {
        ...describe(
          "backups",
          "administrator",
          "Back up a machine now",
          "Queues a job. An agent that is online begins within a second, one that is away as soon as it is back.",
        ),
        body: backupRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) => {
        const jobId = await requestBackup(deps, request.body);
        const answer = { job_id: jobId, state: "pending" as const };
        return await reply.status(202).header("location", `/api/v1/jobs/${jobId}`).send(answer);
      },
    });

    app.get("/api/v1/backup/:agent_id/snapshots", {
      onRequest: access.requireAnyone,
      schema: {
        ...describe(
          "backups",
          "administrator or agent",
          "The snapshots of a machine, newest first",
          "An agent sees its own only. The server can't read snapshots: the counts are what the agent told, where it told.",
        ),
        params: z.object({ agent_id: uuid }),
        response: { 200: snapshotList },
      },
      handler: async (request) => ({
        snapshots: await listSnapshots(database, callerOf(request), request.params.agent_id),
      }),
    });
  };
}
