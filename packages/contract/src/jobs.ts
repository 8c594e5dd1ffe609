import { z } from "zod";

/** The states of a job. `partial` is not `completed`: something could not be read. */
export const jobState = z.enum(["pending", "running", "completed", "partial", "failed", "cancelled"]);
export type JobState = z.infer<typeof jobState>;

/** Kinds of jobs that delete, which takes a grant for each run. */
export const deletingKinds = ["forget", "prune", "repair"] as const;
export type DeletingKind = (typeof deletingKinds)[number];

export const jobKind = z.enum(["backup", "restore", "check", "forget", "prune", "repair"]);
export type JobKind = z.infer<typeof jobKind>;

export function isDeleting(kind: JobKind): kind is DeletingKind {
  return (deletingKinds as readonly JobKind[]).includes(kind);
}

const nextStates: Record<JobState, readonly JobState[]> = {
  pending: ["running", "failed", "cancelled"],
  running: ["completed", "partial", "failed", "cancelled"],
  completed: [],
  partial: [],
  failed: [],
  cancelled: [],
};

/** The one rule of how a job moves on; every side uses it. */
export function canBecome(from: JobState, to: JobState): boolean {
  return nextStates[from].includes(to);
}

export function isFinal(state: JobState): boolean {
  return nextStates[state].length === 0;
}
