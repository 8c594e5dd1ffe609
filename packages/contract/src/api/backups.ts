import { z } from "zod";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { backupOrder } from "../agent-link/orders.ts";

export const backupRequest = z
  .strictObject({
    agent_id: uuid,
    paths: backupOrder.shape.paths,
    excludes: backupOrder.shape.excludes.default([]),
    tags: backupOrder.shape.tags.default([]),
  })
  .meta({
    examples: [
      {
        agent_id: "0b6d5f3e-5a52-4f0c-9a2b-1f2f0c7f6d11",
        paths: ["/home", "/etc"],
        excludes: ["*.tmp"],
        tags: ["by-hand"],
      },
    ],
  });
export type BackupRequest = z.input<typeof backupRequest>;

/** One snapshot as the server knows it: it can't read it, so the counts are what the agent reported, if it did. */
export const snapshot = z.strictObject({
  id: hexId,
  /** When the server received it, by the server's own clock. */
  received_at: timestamp,
  stored_bytes: count,
  job_id: uuid.nullable(),
  files: count.nullable(),
  bytes: count.nullable(),
  data_added_packed: count.nullable(),
});
export type Snapshot = z.infer<typeof snapshot>;

export const snapshotList = z.strictObject({ snapshots: z.array(snapshot) });
