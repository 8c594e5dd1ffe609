import { z } from "zod";
import { count, hexId, timestamp, uuid } from "../primitives.ts";

/** How far a running job is. Totals are there once the scan knows them. */
export const progress = z.strictObject({
  files_done: count,
  bytes_done: count,
  files_total: count.optional(),
  bytes_total: count.optional(),
});
export type Progress = z.infer<typeof progress>;

/** What a backup did, in restic's words (`restic backup --json`, summary). Holds no file name: the server is blind. */
export const backupSummary = z.strictObject({
  snapshot_id: hexId.optional(),
  files_new: count,
  files_changed: count,
  files_unmodified: count,
  dirs_new: count,
  dirs_changed: count,
  dirs_unmodified: count,
  data_blobs: count,
  tree_blobs: count,
  data_added: count,
  data_added_packed: count,
  total_files_processed: count,
  total_bytes_processed: count,
  /** Files and folders that could not be read. */
  errors: count,
});
export type BackupSummary = z.infer<typeof backupSummary>;

/** The agent tells the server how a job goes. `sequence` grows by one a report of a job, so a report sent twice counts once. */
export const report = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("started"), job_id: uuid, sequence: count, at: timestamp }),
  z.strictObject({ kind: z.literal("progress"), job_id: uuid, sequence: count, at: timestamp, progress }),
  z.strictObject({
    kind: z.literal("finished"),
    job_id: uuid,
    sequence: count,
    at: timestamp,
    outcome: z.enum(["completed", "partial", "failed", "cancelled"]),
    /** Why it failed, without file names. */
    reason: z.string().max(2000).optional(),
    summary: backupSummary.optional(),
  }),
]);
export type Report = z.infer<typeof report>;

export const reportsRequest = z.strictObject({ reports: z.array(report).min(1).max(1000) });
export type ReportsRequest = z.infer<typeof reportsRequest>;

/** How many reports were recorded, and how many changed nothing: sent before, too late, or about a job that the server doesn't know. */
export const reportsResponse = z.strictObject({ recorded: count, ignored: count });
export type ReportsResponse = z.infer<typeof reportsResponse>;
