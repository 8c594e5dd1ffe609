import { z } from "zod";
import { bandwidthWindow, hooks } from "../plans.ts";
import { count, hexId, uuid } from "../primitives.ts";

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

/** The HTTP header in which an agent shows the grant of its job when it deletes an object of a repository. */
export const grantHeader = "saveos-grant";

/** What the orders that delete have in common. */
const deleting = {
  job_id: uuid,
  /** The machine's own repository, or one whose machine is gone: then `sealed` holds its password, as for a restore. */
  repository_id: uuid,
  repository_path: z.string().startsWith("/"),
  sealed: sealedSecrets.nullable(),
  /** Lets this job delete, and no other. Null for a dry run: it deletes nothing. */
  grant: z.string().min(1).max(200).nullable(),
  dry_run: z.boolean(),
};

/** However wrong an order is, a repository keeps so many snapshots: server and agent both see to that. */
export const snapshotsMin = 3;

/** The most snapshots or packs that one order names. */
export const namedObjectsMax = 10_000;

/** The server tells an agent to forget snapshots. It decided which: the agent forgets these and no others. */
export const forgetOrder = z.strictObject({
  kind: z.literal("forget"),
  ...deleting,
  snapshot_ids: z.array(hexId).min(1).max(namedObjectsMax),
  /** The plan whose retention removes them; null: a person named them. */
  plan_id: uuid.nullable(),
});
export type ForgetOrder = z.infer<typeof forgetOrder>;

/** The server tells an agent to delete what no snapshot needs. */
export const pruneOrder = z.strictObject({
  kind: z.literal("prune"),
  ...deleting,
  /** How much that nobody needs may stay, as a share of the repository (`restic prune --max-unused`). */
  max_unused_percent: z.number().min(0).max(100),
  /** The most that is repacked in one run (`--max-repack-size`); null: no limit. */
  max_repack_bytes: count.nullable(),
  /** The most that the run may delete, as a share of what the repository has. The server refuses what is beyond it. */
  max_delete_percent: z.number().min(0).max(100),
  /** For a dry run: counts as if these were forgotten, to learn what that would free. */
  without_snapshot_ids: z.array(hexId).max(namedObjectsMax),
});
export type PruneOrder = z.infer<typeof pruneOrder>;

/**
 * The server tells an agent that packs are damaged: save what can be read of them, and delete them. Packs that are gone already are fine. It ends with a look at
 * which snapshots need what is nowhere any more; in a dry run that is all it does.
 */
export const repairOrder = z.strictObject({
  kind: z.literal("repair"),
  ...deleting,
  pack_ids: z.array(hexId).max(namedObjectsMax),
  /** Index files are damaged, too: make the index anew from the packs. */
  rebuild_index: z.boolean(),
});
export type RepairOrder = z.infer<typeof repairOrder>;

export const order = z.discriminatedUnion("kind", [
  backupOrder,
  restoreOrder,
  checkOrder,
  forgetOrder,
  pruneOrder,
  repairOrder,
]);
export type Order = z.infer<typeof order>;
