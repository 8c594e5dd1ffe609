import { z } from "zod";
import { backupSummary, progress } from "../agent-link/reports.ts";
import { jobKind, jobState } from "../jobs.ts";
import { timestamp, uuid } from "../primitives.ts";

export const job = z.strictObject({
  id: uuid,
  agent_id: uuid,
  kind: jobKind,
  state: jobState,
  requested_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  progress: progress.nullable(),
  summary: backupSummary.nullable(),
  reason: z.string().nullable(),
});
export type Job = z.infer<typeof job>;

/** 202: the job is queued for its agent. */
export const jobAccepted = z.strictObject({ job_id: uuid, state: jobState });

/** Newest first. */
export const jobList = z.strictObject({ jobs: z.array(job) });
