import type { Snapshot } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Caller } from "../../access/caller.ts";
import { maySeeAgent } from "../../access/access.ts";
import type { Database } from "../../database/schema.ts";
import { listSnapshotObjects } from "../../gateway/index.ts";
import { notFound } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { selectSummaries } from "./queries.ts";

/**
 * The snapshots in an agent's repository, newest first: those that are stored, whoever wrote them, with what the agent told about them if it did. 404 for an
 * agent that there isn't or that the caller may not see.
 */
export async function listSnapshots(database: Kysely<Database>, caller: Caller, agentId: string): Promise<Snapshot[]> {
  const agent = maySeeAgent(caller, agentId) ? await findAgent(database, agentId) : undefined;
  if (agent === undefined) throw notFound("agent");
  if (agent.repository_id === null) return [];
  const [objects, summaries] = await Promise.all([
    listSnapshotObjects(database, agent.repository_id),
    selectSummaries(database, agent.repository_id),
  ]);
  return objects.map(({ id, storedAt, sizeBytes }) => {
    const told = summaries.get(id);
    return {
      id,
      received_at: storedAt.toISOString(),
      stored_bytes: sizeBytes,
      job_id: told?.jobId ?? null,
      files: told?.summary.total_files_processed ?? null,
      bytes: told?.summary.total_bytes_processed ?? null,
      data_added_packed: told?.summary.data_added_packed ?? null,
    };
  });
}
