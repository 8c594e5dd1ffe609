import { type BackupSummary, type Snapshot, timestamp } from "@saveos/contract";
import type { Kysely } from "kysely";
import { z } from "zod";
import type { Database } from "../../database/schema.ts";
import { type SnapshotObject, selectSnapshotObjects } from "../../gateway/index.ts";
import { pageOf, placeOf } from "../../http/pages.ts";
import { selectSummaries } from "./queries.ts";

export interface SnapshotFilter {
  readonly repositoryId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A part of the snapshots, newest first: those that are stored, whoever wrote them, with what the agent told about them if it did. */
export async function listSnapshots(
  database: Kysely<Database>,
  { cursor, limit, ...filter }: SnapshotFilter,
): Promise<{ snapshots: Snapshot[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, z.string());
  const found = await selectSnapshotObjects(database, { ...filter, after, limit: limit + 1 });
  const { rows, nextCursor } = pageOf(found, limit, ({ storedAtText, id }) => [storedAtText, id]);
  const summaries = await selectSummaries(
    database,
    rows.map(({ id }) => id),
  );
  return { snapshots: rows.map((row) => toSnapshot(row, summaries.get(row.id))), next_cursor: nextCursor };
}

export function toSnapshot(
  { id, repositoryId, storedByAgent, storedAt, sizeBytes }: SnapshotObject,
  told: { readonly jobId: string; readonly summary: BackupSummary } | undefined,
): Snapshot {
  return {
    id,
    repository_id: repositoryId,
    agent_id: storedByAgent,
    received_at: storedAt.toISOString(),
    stored_bytes: sizeBytes,
    job_id: told?.jobId ?? null,
    files: told?.summary.total_files_processed ?? null,
    bytes: told?.summary.total_bytes_processed ?? null,
    data_added_packed: told?.summary.data_added_packed ?? null,
  };
}
