import type { BackupSummary, Progress } from "@saveos/contract";

/** How a job ended, in the contract's words. */
export interface JobEnd {
  readonly outcome: "completed" | "partial" | "failed" | "cancelled";
  /** Without file names: the server is blind. */
  readonly reason?: string;
  readonly summary?: BackupSummary;
}

export interface JobRun {
  readonly signal: AbortSignal;
  /** Called at every change; the daemon decides how often it tells the server. */
  readonly onProgress: (progress: Progress) => void;
}
