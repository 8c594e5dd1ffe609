import { z } from "zod";

/** The states of a job. `partial` is not `completed`: something could not be read. */
export const jobState = z.enum(["pending", "running", "completed", "partial", "failed", "cancelled"]);
export type JobState = z.infer<typeof jobState>;

export const jobKind = z.enum(["backup", "restore", "check"]);
export type JobKind = z.infer<typeof jobKind>;

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
