import { z } from "zod";
import { uuid } from "../primitives.ts";

/** Something of the tenant is not as it was. Says what, and not how it is now: ask for that. */
export const liveEvent = z.strictObject({
  type: z.enum(["agent", "job", "plan", "snapshot", "vault", "held-deletion", "delayed-change", "finding"]),
  id: z.string(),
  /** The agent that a job or snapshot is about. */
  agent_id: uuid.nullable(),
});
export type LiveEvent = z.infer<typeof liveEvent>;
