import {
  backupRequest,
  checkRequest,
  forgetRequest,
  jobAccepted,
  pruneRequest,
  restoreRequest,
} from "@saveos/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Kysely } from "kysely";
import { type Access, databaseFor, operatorOf } from "../../access/access.ts";
import type { Operator } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { Database } from "../../database/schema.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import { type Actor, actorOf } from "../audit/index.ts";
import { orderBackup, orderCheck, orderForget, orderPrune, orderRestore } from "./give-order.ts";

/** The longest lists of the longest paths that an order may hold. */
const orderMaxBytes = 10 * 1024 * 1024;

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

type Order = (
  deps: { database: Kysely<Database>; clock: Clock },
  asking: { caller: Operator; by: Actor },
) => Promise<string>;

/** Orders to machines: each makes a job. */
export function orderRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  const accept = async (request: FastifyRequest, reply: FastifyReply, order: Order) => {
    const caller = operatorOf(request);
    const asking = { caller, by: actorOf(caller, request) };
    const database = databaseFor(request, databases);
    return await createOnce({ database, clock, request, reply }, async (deps) => {
      const jobId = await order(deps, asking);
      return { status: 202, location: `/api/v1/jobs/${jobId}`, body: { job_id: jobId, state: "pending" as const } };
    });
  };

  return async (app) => {
    app.post("/api/v1/backup", {
      onRequest: access.allow("jobs:run"),
      bodyLimit: orderMaxBytes,
      schema: {
        ...describe(
          "jobs",
          "jobs:run",
          "Back up a machine now",
          "Paths, or what a plan says. Queues a job: an agent that is online begins within a second, one that is away as soon as it is back.",
        ),
        body: backupRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await accept(request, reply, async (deps, asking) => await orderBackup(deps, asking, request.body)),
    });

    app.post("/api/v1/restore", {
      onRequest: access.allow("jobs:restore"),
      schema: {
        ...describe(
          "jobs",
          "jobs:restore",
          "Restore a snapshot on a machine",
          "Its own or another machine's, all of it or chosen paths. Paths and passwords travel in `sealed`, which the server can't read: `saveos-agent seal-restore` makes it.",
        ),
        body: restoreRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await accept(request, reply, async (deps, asking) => await orderRestore(deps, asking, request.body)),
    });

    app.post("/api/v1/check", {
      onRequest: access.allow("jobs:run"),
      schema: {
        ...describe(
          "jobs",
          "jobs:run",
          "Check a machine's repository",
          "By the machine itself, which has the key: that everything its snapshots need is there and, for a share of the data or all of it, that every byte is right.",
        ),
        body: checkRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await accept(request, reply, async (deps, asking) => await orderCheck(deps, asking, request.body)),
    });

    app.post("/api/v1/forget", {
      onRequest: access.allow("repositories:delete"),
      bodyLimit: orderMaxBytes,
      schema: {
        ...describe(
          "jobs",
          "repositories:delete",
          "Forget snapshots",
          "By a machine that has the key: its own repository's, or with `sealed` those of one whose machine is gone. At least 3 always stay, and what was forgotten " +
            "can be brought back for some days.",
        ),
        body: forgetRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await accept(request, reply, async (deps, asking) => await orderForget(deps, asking, request.body)),
    });

    app.post("/api/v1/prune", {
      onRequest: access.allow("repositories:delete"),
      schema: {
        ...describe(
          "jobs",
          "repositories:delete",
          "Delete what no snapshot needs",
          "By a machine that has the key. It may delete half of the repository unless `max_delete_percent` allows more; what was deleted can be brought back for some days.",
        ),
        body: pruneRequest,
        response: { 202: jobAccepted },
      },
      handler: async (request, reply) =>
        await accept(request, reply, async (deps, asking) => await orderPrune(deps, asking, request.body)),
    });
  };
}
