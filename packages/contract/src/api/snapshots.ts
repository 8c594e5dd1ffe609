import { z } from "zod";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

/** One snapshot as the server knows it: it can't read it, so the counts are what the agent reported, if it did. */
export const snapshot = z.strictObject({
  id: hexId,
  repository_id: uuid,
  /** The agent that stored it, if one did. */
  agent_id: uuid.nullable(),
  /** When the server received it, by the server's own clock. */
  received_at: timestamp,
  stored_bytes: count,
  job_id: uuid.nullable(),
  files: count.nullable(),
  bytes: count.nullable(),
  data_added_packed: count.nullable(),
});
export type Snapshot = z.infer<typeof snapshot>;

/** Newest first. */
export const snapshotList = z.strictObject({ snapshots: z.array(snapshot), next_cursor: nextCursor });

export const repository = z.strictObject({
  id: uuid,
  created_at: timestamp,
  /** The quota in bytes; null is none. */
  max_bytes: count.nullable(),
  stored_bytes: count,
  objects: count,
  snapshots: count,
  /** When the server received the newest snapshot. */
  last_snapshot_at: timestamp.nullable(),
  /** Objects that are gone though nobody deleted them. */
  lost_objects: count,
  /** What was deleted and can still be brought back. It counts neither as stored nor against the quota. */
  quarantined_bytes: count,
  quarantined_objects: count,
  /** The agents whose backups go there. */
  agent_ids: z.array(uuid),
});
export type Repository = z.infer<typeof repository>;
export const repositoryList = z.strictObject({ repositories: z.array(repository), next_cursor: nextCursor });

export const repositoryChange = z.strictObject({ max_bytes: count.nullable() });

/** What a repository held at the end of each day (UTC), oldest first. */
export const usage = z.strictObject({
  days: z.array(z.strictObject({ day: z.iso.date(), stored_bytes: count, objects: count, snapshots: count })),
});
