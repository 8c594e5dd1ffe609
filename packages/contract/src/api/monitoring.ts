import { z } from "zod";

export const checkState = z.enum(["ok", "failed"]);

/** Whether the server can do its work. Says no more than that: anyone may ask. */
export const health = z.strictObject({
  status: z.enum(["ready", "not-ready"]),
  version: z.string(),
  checks: z.strictObject({ database: checkState, object_store: checkState }),
});
export type Health = z.infer<typeof health>;

/** The process answers, whatever else is broken. */
export const liveness = z.strictObject({ status: z.literal("live") });
