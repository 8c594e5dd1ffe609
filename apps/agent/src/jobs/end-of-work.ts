import type { Log } from "../daemon/log.ts";
import { messageOf } from "../errors/system-error.ts";
import { endOfAborted, type JobEnd, type JobRun } from "./job-end.ts";
import { failureOf } from "./job-failure.ts";

/** How work ended, where it failed too: the reason without names for the server, the whole of it for the machine's own log. Never rejects. */
export async function endOfWork(log: Log, { signal }: JobRun, work: () => Promise<JobEnd>): Promise<JobEnd> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal.aborted) return endOfAborted(signal);
    log.warn(messageOf(error));
    return { outcome: "failed", ...failureOf(error) };
  }
}
