import { z } from "zod";
import { namedObjectsMax, sealedSecrets } from "../agent-link/orders.ts";
import { retention } from "../plans.ts";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

/** What a grant lets delete: the named snapshots; packs and index files; the named packs and index files; keys but the last. */
export const grantKind = z.enum(["forget", "prune", "repair", "keys"]);
export type GrantKind = z.infer<typeof grantKind>;

/** Long enough for a prune of a large repository; nobody leaves such a door open for longer. */
const grantMinutesMax = 24 * 60;

/** How much of a repository one run may delete unless a person allows more. */
export const deletePercentDefault = 50;

const deletePercent = z.number().min(0).max(100).default(deletePercentDefault);

export const grantRequest = z
  .strictObject({
    kind: grantKind.exclude(["repair"]),
    /** For `forget`: which snapshots, and no others. */
    snapshot_ids: z.array(hexId).min(1).max(namedObjectsMax).optional(),
    minutes: z.int().min(1).max(grantMinutesMax).default(60),
    /** The API key that may delete; left out: the one that asks. */
    api_key_id: uuid.optional(),
    /** For `prune`: the most that may be deleted, as a share of what the repository has. */
    max_delete_percent: deletePercent,
  })
  .refine(({ kind, snapshot_ids }) => (kind === "forget") === (snapshot_ids !== undefined), {
    message: "a grant to forget names snapshots, and no other does",
    path: ["snapshot_ids"],
  })
  .meta({ examples: [{ kind: "prune", minutes: 120 }] });
export type GrantRequest = z.output<typeof grantRequest>;

/** Who may delete what of a repository, and until when. */
export const grant = z.strictObject({
  id: uuid,
  repository_id: uuid,
  kind: grantKind,
  /** Whose it is: a job's or an API key's. */
  job_id: uuid.nullable(),
  api_key_id: uuid.nullable(),
  created_at: timestamp,
  expires_at: timestamp,
  ended_at: timestamp.nullable(),
  deleted_objects: count,
  deleted_bytes: count,
});
export type Grant = z.infer<typeof grant>;
/** Newest first. */
export const grantList = z.strictObject({ grants: z.array(grant), next_cursor: nextCursor });

/** A deleted snapshot that can still be brought back. */
export const quarantinedSnapshot = z.strictObject({
  id: hexId,
  /** The agent that stored it, if one did. */
  agent_id: uuid.nullable(),
  received_at: timestamp,
  quarantined_at: timestamp,
  /** It is gone for good soon after. */
  expires_at: timestamp,
  /** The job that deleted it, if one did. */
  job_id: uuid.nullable(),
});
export type QuarantinedSnapshot = z.infer<typeof quarantinedSnapshot>;

/** What a repository's quarantine holds: its snapshots, those deleted last first, and how much besides. */
export const quarantine = z.strictObject({
  snapshots: z.array(quarantinedSnapshot),
  next_cursor: nextCursor,
  packs: count,
  index_files: count,
  keys: count,
  bytes: count,
});
export type Quarantine = z.infer<typeof quarantine>;

/** A snapshot that was deleted, or one that is there and whose data was. */
export const undeleteRequest = z
  .strictObject({ snapshot_id: hexId })
  .meta({ examples: [{ snapshot_id: "5f2ab1c6e0d4a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4" }] });

/** How far bringing back is. While it goes on, nothing of the repository can be deleted. */
export const undelete = z.strictObject({
  id: uuid,
  repository_id: uuid,
  snapshot_id: hexId,
  state: z.enum(["running", "completed"]),
  started_at: timestamp,
  finished_at: timestamp.nullable(),
  /** What was brought back so far. */
  objects: count,
  bytes: count,
});
export type Undelete = z.infer<typeof undelete>;

/** Orders a machine to forget snapshots that a person names: of its own repository, or of one whose machine is gone. */
export const forgetRequest = z.strictObject({
  agent_id: uuid,
  snapshot_ids: z.array(hexId).min(1).max(namedObjectsMax),
  repository_id: uuid.optional(),
  /** The password of a repository that isn't the machine's own, sealed to its `recipient`. */
  sealed: sealedSecrets.nullable().default(null),
  dry_run: z.boolean().default(false),
});

/** Orders a machine to delete what no snapshot needs. */
export const pruneRequest = z.strictObject({
  agent_id: uuid,
  repository_id: uuid.optional(),
  sealed: sealedSecrets.nullable().default(null),
  dry_run: z.boolean().default(false),
  max_unused_percent: z.number().min(0).max(100).default(5),
  max_repack_bytes: count.nullable().default(null),
  max_delete_percent: deletePercent,
});

/** A run of a plan's retention that would remove unusually much, and waits for a person. */
export const heldDeletion = z.strictObject({
  id: uuid,
  plan_id: uuid,
  agent_id: uuid,
  repository_id: uuid,
  held_at: timestamp,
  /** How many snapshots of the plan the machine has. */
  snapshots: count,
  snapshot_ids: z.array(hexId),
  decision: z.enum(["approved", "rejected"]).nullable(),
  decided_at: timestamp.nullable(),
  decided_by: z.string().nullable(),
  /** The job that removes them, once that was approved. */
  job_id: uuid.nullable(),
});
export type HeldDeletion = z.infer<typeof heldDeletion>;
/** Newest first. */
export const heldDeletionList = z.strictObject({ held_deletions: z.array(heldDeletion), next_cursor: nextCursor });

/** A change that lets more be deleted: it waits, so that another administrator can see it and take it back. */
export const delayedChange = z.strictObject({
  id: uuid,
  change: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("retention"), plan_id: uuid, from: retention, to: retention }),
    z.strictObject({ kind: z.literal("quarantine"), from: count, to: count }),
  ]),
  /** Who asked for it. */
  requested_by: z.string(),
  requested_at: timestamp,
  applies_at: timestamp,
});
export type DelayedChange = z.infer<typeof delayedChange>;
/** Those that wait, the next first. */
export const delayedChangeList = z.strictObject({ delayed_changes: z.array(delayedChange) });
