import type { JobError, JobSummary, LogLine } from "@saveos/contract";
import { isAgentError } from "../errors/agent-error.ts";
import type { Counts } from "../terminal/progress-display.ts";

/** How a job ended, in the contract's words. */
export interface JobEnd {
  readonly outcome: "completed" | "partial" | "failed" | "cancelled";
  /** Without file names: the server is blind. */
  readonly reason?: string;
  readonly error?: JobError;
  readonly summary?: JobSummary;
  /** How many files and folders could not be read, by the system's code. */
  readonly unreadable?: Record<string, number>;
}

/**
 * Adds a line to the job's log, which the server gets: no name of a file may be in `text`. The machine's own log has it, too; `own` instead, if that
 * says more.
 */
export type Say = (level: LogLine["level"], text: string, own?: string) => void;

export interface JobRun {
  /** Aborts when the server gives the job up, with an `AgentError` `cancelled` as its reason, and when the agent stops. */
  readonly signal: AbortSignal;
  /** Called at every change; the daemon decides how often it tells the server. */
  readonly onProgress: (counts: Counts) => void;
  readonly say: Say;
}

/** How a job ends whose signal aborted: given up by the server, or cut off because the agent stops, and then worth another try. */
export function endOfAborted({ reason }: AbortSignal): JobEnd {
  return isAgentError(reason, "cancelled")
    ? { outcome: "cancelled", reason: "It was cancelled before it was done" }
    : { outcome: "failed", error: "agent-stopped", reason: "The agent was stopped in the middle of it" };
}
