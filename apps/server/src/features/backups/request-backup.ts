import type { backupRequest } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/schema.ts";
import { notFound, ProblemError } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { queueJob } from "../jobs/index.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/**
 * Orders a backup of an agent. A machine that is away gets the order when it is back. Returns the job's id. 404 if there is no such agent, 409 if it can't
 * back up anything.
 */
export async function requestBackup(deps: Deps, request: z.output<typeof backupRequest>): Promise<string> {
  const { agent_id, ...what } = request;
  const agent = await findAgent(deps.database, agent_id);
  if (agent === undefined) throw notFound("agent");
  if (agent.revoked_at !== null) throw new ProblemError(409, "This agent was revoked: it takes no orders any more.");
  if (agent.registered_at === null)
    throw new ProblemError(409, "This agent has not enrolled yet: no machine would take the order.");
  return await queueJob(deps, agent_id, { kind: "backup", ...what });
}
