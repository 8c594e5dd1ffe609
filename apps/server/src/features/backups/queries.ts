import type { BackupSummary } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Database } from "../../database/schema.ts";

/** What jobs told about the snapshots of a repository, by the snapshot's id. Several agents may have filled it, one after the other. */
export async function selectSummaries(
  database: Kysely<Database>,
  repositoryId: string,
): Promise<Map<string, { readonly jobId: string; readonly summary: BackupSummary }>> {
  const rows = await database
    .selectFrom("jobs")
    .innerJoin("agents", "agents.id", "jobs.agent_id")
    .select(["jobs.id", "jobs.snapshot_id", "jobs.summary"])
    .where("agents.repository_id", "=", repositoryId)
    .where("jobs.snapshot_id", "is not", null)
    .execute();
  return new Map(
    rows.flatMap(({ id, snapshot_id, summary }) =>
      snapshot_id === null || summary === null ? [] : [[snapshot_id, { jobId: id, summary }]],
    ),
  );
}
