import { isDeleting } from "@saveos/contract";
import { z } from "zod";
import { defineTask } from "../../queue/tasks.ts";
import type { MovedJob } from "./move-job.ts";

/** A job has ended well, and something may follow from it. */
export const jobEnded = defineTask({
  name: "job-ended",
  data: z.object({ tenantId: z.string(), jobId: z.string() }),
});

/** A plan's backup may leave too many snapshots; a deletion may leave something to clear up. */
export function isFollowed({ kind, state, plan_id }: MovedJob): boolean {
  if (state !== "completed" && state !== "partial") return false;
  return isDeleting(kind) || (kind === "backup" && plan_id !== null);
}
