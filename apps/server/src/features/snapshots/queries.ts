import type { BackupSummary } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Database } from "../../database/schema.ts";

/** What jobs told about snapshots, by the snapshot's id. */
export async function selectSummaries(
  database: Kysely<Database>,
  snapshotIds: readonly string[],
): Promise<Map<string, { readonly jobId: string; readonly summary: BackupSummary }>> {
  if (snapshotIds.length === 0) return new Map();
  const rows = await database
    .selectFrom("jobs")
    .select(["id", "snapshot_id", "summary"])
    .where("snapshot_id", "in", snapshotIds)
    .execute();
  return new Map(
    rows.flatMap(({ id, snapshot_id, summary }) =>
      snapshot_id === null || summary === null || !("files_new" in summary)
        ? []
        : [[snapshot_id, { jobId: id, summary }]],
    ),
  );
}
