import { z } from "zod";
import { bandwidthWindow, hooks } from "../plans.ts";
import { hexId, uuid } from "../primitives.ts";

const path = z.string().min(1).max(4096);
const paths = z.array(path).max(1000);

/** The server tells an agent to back up. An order delivered twice runs once: the job's id is the order's identity. */
export const backupOrder = z.strictObject({
  kind: z.literal("backup"),
  job_id: uuid,
  /** One that is missing on the machine makes the backup partial. */
  paths,
  /** Backed up where they are there, such as those of a preset. At least one path of both lists must be. */
  paths_if_present: paths,
  excludes: paths,
  tags: z.array(z.string().min(1).max(256)).max(100),
  hooks,
  bandwidth: z.array(bandwidthWindow).max(20),
});
export type BackupOrder = z.infer<typeof backupOrder>;

/** What `restic restore --overwrite` takes. */
export const overwriteMode = z.enum(["always", "if-changed", "if-newer", "never"]);
export type OverwriteMode = z.infer<typeof overwriteMode>;

/**
 * What the server carries and can't read: a `restoreSecrets` in JSON, encrypted to the recipient of the agent that restores
 * (age, https://age-encryption.org/v1, base64). Whoever asks for the restore seals it.
 */
export const sealedSecrets = z
  .string()
  .max(256 * 1024)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, "must be base64");

/** Inside of `sealedSecrets`. */
export const restoreSecrets = z.strictObject({
  /** Paths as the snapshot has them, files or folders; left out: everything. */
  paths: z.array(path).min(1).max(10_000).optional(),
  /** Opens a repository that isn't the agent's own. */
  repository_password: z.string().min(1).max(4096).optional(),
});
export type RestoreSecrets = z.infer<typeof restoreSecrets>;

/** The server tells an agent to restore: from its own repository or, for the time of the job, from another one. */
export const restoreOrder = z.strictObject({
  kind: z.literal("restore"),
  job_id: uuid,
  repository_id: uuid,
  /** The repository's address below the server's. */
  repository_path: z.string().startsWith("/"),
  snapshot_id: hexId,
  /** The folder to restore into, absolute on that machine; null: the agent makes one of its own for this job. */
  target: path.nullable(),
  overwrite: overwriteMode,
  sealed: sealedSecrets.nullable(),
});
export type RestoreOrder = z.infer<typeof restoreOrder>;

/** The server tells an agent to check its repository. */
export const checkOrder = z.strictObject({
  kind: z.literal("check"),
  job_id: uuid,
  /** How much of the data to read and verify: nothing, a share in percent, or all. */
  read_data_percent: z.number().min(0).max(100),
});
export type CheckOrder = z.infer<typeof checkOrder>;

export const order = z.discriminatedUnion("kind", [backupOrder, restoreOrder, checkOrder]);
export type Order = z.infer<typeof order>;
