import { hexId, pageQuery, snapshot, snapshotList, uuid } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, callerOf, databaseFor, maySeeAgent } from "../../access/access.ts";
import type { Databases } from "../../database/databases.ts";
import { selectSnapshotObjects } from "../../gateway/index.ts";
import { describe } from "../../http/describe.ts";
import { notFound } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { listSnapshots, toSnapshot } from "./list-snapshots.ts";
import { selectSummaries } from "./queries.ts";

/** The most snapshots in one answer: some 500 KB. */
const snapshotsMax = 1000;

interface Deps {
  readonly databases: Databases;
  readonly access: Access;
}

/** The server can't read snapshots: the counts are what the agent told, where it told. */
export function snapshotRoutes({ databases, access }: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get("/api/v1/backup/:agent_id/snapshots", {
      onRequest: access.allowOrAgent("snapshots:read"),
      schema: {
        ...describe(
          "snapshots",
          "snapshots:read or agent",
          "The snapshots in a machine's repository, newest first",
          "An agent sees its own only. The counts are what the agent told, where it told.",
        ),
        params: z.object({ agent_id: uuid }),
        querystring: z.strictObject(pageQuery(snapshotsMax)),
        response: { 200: snapshotList },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { agent_id } = request.params;
        const agent = maySeeAgent(callerOf(request), agent_id) ? await findAgent(database, agent_id) : undefined;
        if (agent === undefined) throw notFound("agent");
        if (agent.repository_id === null) return { snapshots: [], next_cursor: null };
        return await listSnapshots(database, { ...request.query, repositoryId: agent.repository_id });
      },
    });

    app.get("/api/v1/snapshots", {
      onRequest: access.allow("snapshots:read"),
      schema: {
        ...describe("snapshots", "snapshots:read", "Snapshots, newest first", "Of one repository or agent, or all."),
        querystring: z.strictObject({
          repository_id: uuid.optional(),
          agent_id: uuid.optional(),
          ...pageQuery(snapshotsMax),
        }),
        response: { 200: snapshotList },
      },
      handler: async (request) => {
        const { repository_id: repositoryId, agent_id: agentId, ...page } = request.query;
        return await listSnapshots(databaseFor(request, databases), { ...page, repositoryId, agentId });
      },
    });

    app.get("/api/v1/snapshots/:snapshot_id", {
      onRequest: access.allow("snapshots:read"),
      schema: {
        ...describe("snapshots", "snapshots:read", "One snapshot", "By its id, as restic shows it in full."),
        params: z.object({ snapshot_id: hexId }),
        response: { 200: snapshot },
      },
      handler: async (request) => {
        const database = databaseFor(request, databases);
        const { snapshot_id: id } = request.params;
        const [found] = await selectSnapshotObjects(database, { id, limit: 1 });
        if (found === undefined) throw notFound("snapshot");
        return toSnapshot(found, (await selectSummaries(database, [id])).get(id));
      },
    });
  };
}
