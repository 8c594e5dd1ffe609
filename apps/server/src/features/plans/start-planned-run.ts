import { z } from "zod";
import { defineTask } from "../../queue/tasks.ts";

/** A run of a plan on a machine is due. */
export const startPlannedRun = defineTask({
  name: "start-planned-run",
  data: z.object({ tenantId: z.string(), planId: z.string(), agentId: z.string(), dueAt: z.iso.datetime() }),
});
