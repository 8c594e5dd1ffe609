import { z } from "zod";
import { defineTask } from "../../queue/tasks.ts";

/** What decides which plans an agent has and when they run has changed: its tags, its zone, whether it takes orders. */
export const agentChanged = defineTask({
  name: "agent-changed",
  data: z.object({ tenantId: z.string(), agentId: z.string() }),
});
