import { z } from "zod";
import { count, hexId, timestamp, uuid } from "../primitives.ts";

/** How far a running job is. Totals are there once the scan knows them, speed and time left once they can be told. */
export const progress = z.strictObject({
  files_done: count,
  bytes_done: count,
  files_total: count.optional(),
  bytes_total: count.optional(),
  bytes_per_second: count.optional(),
  seconds_left: count.optional(),
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

/** What a restore did, in restic's words (`restic restore --json`, summary). */
export const restoreSummary = z.strictObject({
  total_files: count,
  files_restored: count,
  files_skipped: count,
  total_bytes: count,
  bytes_restored: count,
  bytes_skipped: count,
  /** Files and folders that could not be restored as they were. */
  errors: count,
});
export type RestoreSummary = z.infer<typeof restoreSummary>;

/** What a check found, in restic's words (`restic check --json`, summary). */
export const checkSummary = z.strictObject({
  num_errors: count,
  broken_packs: z.array(hexId).max(1000),
  suggest_repair_index: z.boolean(),
  suggest_prune: z.boolean(),
});
export type CheckSummary = z.infer<typeof checkSummary>;

/** What a forget did. In a dry run: what it would have done. */
export const forgetSummary = z.strictObject({
  /** Snapshots of the repository that stay. */
  snapshots_kept: count,
  snapshots_removed: count,
  /** Named in the order and already gone. */
  snapshots_absent: count,
});
export type ForgetSummary = z.infer<typeof forgetSummary>;

/** What a prune did. In a dry run: what it would have done. */
export const pruneSummary = z.strictObject({
  packs_deleted: count,
  packs_repacked: count,
  /** How much smaller the repository is. */
  bytes_freed: count,
  /** What no snapshot needs and stays, because it lies beside what one needs. */
  bytes_unused: count,
});
export type PruneSummary = z.infer<typeof pruneSummary>;

/** What a repair of packs did. */
export const repairSummary = z.strictObject({
  packs_removed: count,
  /** Blobs of the damaged packs that could still be read, and are stored anew. */
  blobs_saved: count,
  blobs_lost: count,
  /** Snapshots that need what was lost. */
  snapshots_at_risk: z.array(hexId).max(1000),
});
export type RepairSummary = z.infer<typeof repairSummary>;

export const jobSummary = z.union([
  backupSummary,
  restoreSummary,
  checkSummary,
  forgetSummary,
  pruneSummary,
  repairSummary,
]);
export type JobSummary = z.infer<typeof jobSummary>;

/** Why a job failed, for programs: some of these are worth another try. */
export const jobError = z.enum([
  /** The repository's objects could not be reached. */
  "store-unavailable",
  /** Another program holds a lock on the repository. */
  "repository-locked",
  /** The lock was lost, such as after a long sleep: going on without one could lose data. */
  "lock-lost",
  /** The agent, or its machine, stopped in the middle. */
  "agent-stopped",
  /** The agent was not heard of for a whole lease. */
  "agent-lost",
  "store-full",
  "store-denied",
  "no-repository",
  "wrong-password",
  "damaged-repository",
  "nothing-readable",
  "invalid-order",
  "hook-failed",
  /** The machine's clock and the server's differ too much to decide what is old. */
  "clock-off",
  /** So few snapshots would have stayed that nothing was forgotten. */
  "too-few-snapshots",
  /** The server let the job delete nothing, or nothing more. */
  "deletion-refused",
  "unknown",
]);
export type JobError = z.infer<typeof jobError>;

/** Another try may go better by itself: the trouble was with the way to the repository or with the moment, not with the order. */
export function isWorthRetrying(error: JobError): boolean {
  return ["store-unavailable", "repository-locked", "lock-lost", "agent-stopped", "agent-lost"].includes(error);
}

/** The longest line of a job's log. */
export const logLineMaxLength = 1000;

/** One line of a job's log. Holds no file name: the machine's own log has those. */
export const logLine = z.strictObject({
  at: timestamp,
  level: z.enum(["info", "warning", "error"]),
  text: z.string().min(1).max(logLineMaxLength),
});
export type LogLine = z.infer<typeof logLine>;

/** The agent tells the server how a job goes. `sequence` grows by one a report of a job, so a report sent twice counts once. */
export const report = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("started"), job_id: uuid, sequence: count, at: timestamp }),
  z.strictObject({ kind: z.literal("progress"), job_id: uuid, sequence: count, at: timestamp, progress }),
  z.strictObject({
    kind: z.literal("log"),
    job_id: uuid,
    sequence: count,
    at: timestamp,
    lines: z.array(logLine).min(1).max(100),
  }),
  z.strictObject({
    kind: z.literal("finished"),
    job_id: uuid,
    sequence: count,
    at: timestamp,
    outcome: z.enum(["completed", "partial", "failed", "cancelled"]),
    /** Why it failed, without file names. */
    reason: z.string().max(2000).optional(),
    /** Why it failed, for programs. */
    error: jobError.optional(),
    summary: jobSummary.optional(),
    /** How many files and folders could not be read, by the system's code, such as `EACCES`. Their names stay on the machine. */
    unreadable: z.record(z.string().max(64), count).optional(),
  }),
]);
export type Report = z.infer<typeof report>;

export const reportsRequest = z.strictObject({ reports: z.array(report).min(1).max(1000) });
export type ReportsRequest = z.infer<typeof reportsRequest>;

/** How many reports were recorded, and how many changed nothing: sent before, too late, or about a job that the server doesn't know. */
export const reportsResponse = z.strictObject({ recorded: count, ignored: count });
export type ReportsResponse = z.infer<typeof reportsResponse>;
