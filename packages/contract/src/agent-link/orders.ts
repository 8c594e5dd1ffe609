import { z } from "zod";
import { uuid } from "../primitives.ts";

/** The server tells an agent to back up. An order delivered twice runs once: the job's id is the order's identity. */
export const backupOrder = z.strictObject({
  kind: z.literal("backup"),
  job_id: uuid,
  paths: z.array(z.string().min(1).max(4096)).min(1).max(1000),
  excludes: z.array(z.string().min(1).max(4096)).max(1000),
  tags: z.array(z.string().min(1).max(256)).max(100),
});
export type BackupOrder = z.infer<typeof backupOrder>;

export const order = z.discriminatedUnion("kind", [backupOrder]);
export type Order = z.infer<typeof order>;
