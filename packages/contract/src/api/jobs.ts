import { z } from "zod";
import { backupOrder, overwriteMode, restoreOrder, sealedSecrets } from "../agent-link/orders.ts";
import { jobError, jobSummary, logLine, progress } from "../agent-link/reports.ts";
import { jobKind, jobState } from "../jobs.ts";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

export const job = z.strictObject({
  id: uuid,
  agent_id: uuid,
  kind: jobKind,
  state: jobState,
  /** The plan that ran it; null if somebody asked for it. */
  plan_id: uuid.nullable(),
  /** When its plan wanted it to run: a machine that was away catches up later. */
  due_at: timestamp.nullable(),
  requested_at: timestamp,
  /** Who asked for it, such as `user:…`; null for a plan. */
  requested_by: z.string().nullable(),
  /** Counts the tries. A new try is a job of its own. */
  attempt: count,
  retry_of: uuid.nullable(),
  /** A new try waits until then. */
  not_before: timestamp.nullable(),
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  progress: progress.nullable(),
  summary: jobSummary.nullable(),
  reason: z.string().nullable(),
  /** Why it failed, for programs. */
  error: jobError.nullable(),
  /** How many files could not be read, by the system's code. The machine itself knows their names. */
  unreadable: z.record(z.string(), count).nullable(),
});
export type Job = z.infer<typeof job>;

/** 202: the job is queued for its agent. */
export const jobAccepted = z.strictObject({ job_id: uuid, state: jobState });

/** Newest first. */
export const jobList = z.strictObject({ jobs: z.array(job), next_cursor: nextCursor });

/** Oldest first. */
export const jobLog = z.strictObject({ lines: z.array(logLine), next_cursor: nextCursor });

export const backupRequest = z
  .strictObject({
    agent_id: uuid,
    /** What a plan backs up, now; instead of `paths`. */
    plan_id: uuid.optional(),
    paths: backupOrder.shape.paths.min(1).optional(),
    excludes: backupOrder.shape.excludes.default([]),
    tags: backupOrder.shape.tags.default([]),
  })
  .refine((request) => (request.plan_id === undefined) !== (request.paths === undefined), {
    message: "give either paths or a plan_id",
    path: ["paths"],
  })
  .meta({
    examples: [
      {
        agent_id: "0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11",
        paths: ["/home", "/etc"],
        excludes: ["*.tmp"],
        tags: ["by-hand"],
      },
    ],
  });
export type BackupRequest = z.input<typeof backupRequest>;

export const restoreRequest = z
  .strictObject({
    /** The machine to restore on. */
    agent_id: uuid,
    /** Where the snapshot is; left out: the machine's own repository. */
    repository_id: uuid.optional(),
    snapshot_id: hexId,
    target: restoreOrder.shape.target.default(null),
    overwrite: overwriteMode.default("if-changed"),
    /** Which paths to restore, and the password of another machine's repository: sealed to the agent's `recipient`, so that the server can't read it. */
    sealed: sealedSecrets.nullable().default(null),
  })
  .meta({
    examples: [
      {
        agent_id: "0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11",
        snapshot_id: "5f2ab1c6e0d4a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4",
        target: "/srv/restored",
      },
    ],
  });
export type RestoreRequest = z.input<typeof restoreRequest>;

export const checkRequest = z.strictObject({
  agent_id: uuid,
  read_data_percent: z.number().min(0).max(100).default(0),
});
export type CheckRequest = z.input<typeof checkRequest>;
