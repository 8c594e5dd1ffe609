import { z } from "zod";
import { planContent, retention } from "../plans.ts";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

const tag = z.string().min(1).max(256);

/** What a plan is made or replaced with. */
export const planRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    /** A plan that isn't enabled keeps everything but runs nothing. */
    enabled: z.boolean().default(true),
    ...planContent.shape,
    /** The machines that it is for. */
    agent_ids: z.array(uuid).max(10_000).default([]),
    /** And all that carry one of these tags, those that come later too. */
    agent_tags: z.array(tag).max(100).default([]),
  })
  .refine(({ paths, presets }) => paths.length > 0 || presets.length > 0, {
    message: "a plan backs up at least one path or preset",
    path: ["paths"],
  })
  .meta({
    examples: [
      {
        name: "Laptops, every night",
        presets: ["home"],
        excludes: ["node_modules"],
        schedule: { kind: "daily", from: "20:00", to: "06:00" },
        retention: { keep_daily: 7, keep_weekly: 5, keep_monthly: 12 },
        agent_tags: ["laptop"],
      },
    ],
  });
export type PlanRequest = z.output<typeof planRequest>;

export const plan = z.strictObject({
  id: uuid,
  ...planRequest.shape,
  /** A shorter retention, which waits a day before it counts. */
  pending_retention: z.strictObject({ retention, applies_at: timestamp }).nullable(),
  /** How many machines it is for now. */
  agents: count,
  /** When it next begins on any of them. */
  next_run_at: timestamp.nullable(),
  created_at: timestamp,
  updated_at: timestamp,
});
export type Plan = z.infer<typeof plan>;

/** By name. */
export const planList = z.strictObject({ plans: z.array(plan), next_cursor: nextCursor });

/** What will run, in the order of time. */
export const runPreview = z.strictObject({
  from: timestamp,
  to: timestamp,
  runs: z.array(
    z.strictObject({
      agent_id: uuid.nullable(),
      hostname: z.string().nullable(),
      time_zone: z.string(),
      /** In UTC. */
      at: timestamp,
      /** The same on the machine's own clock, with its offset. */
      local: z.string(),
      /** The window in which the machine has its place. */
      window: z.strictObject({ opens_at: timestamp, closes_at: timestamp }),
    }),
  ),
  /** There are more than are listed. */
  is_cut: z.boolean(),
});
export type RunPreview = z.infer<typeof runPreview>;

/** Asks what a retention would do on a machine, before a plan is saved with it: with the plan's snapshots or, for a new plan, with none. */
export const retentionPreviewRequest = z.strictObject({ agent_id: uuid, plan_id: uuid.optional(), retention });

/** What a retention does with the snapshots that a plan's runs made on a machine. Nothing is removed by asking. */
export const retentionPreview = z.strictObject({
  keep: z.array(z.strictObject({ snapshot_id: hexId, received_at: timestamp, reasons: z.array(z.string()) })),
  remove: z.array(z.strictObject({ snapshot_id: hexId, received_at: timestamp })),
});
export type RetentionPreview = z.infer<typeof retentionPreview>;

/** A run that did not take place, and why. Newest first. */
export const skippedRun = z.strictObject({ agent_id: uuid, due_at: timestamp, reason: z.string() });
export const skippedRunList = z.strictObject({ skipped_runs: z.array(skippedRun), next_cursor: nextCursor });

/** A plan's run on all its machines, now. */
export const planRun = z.strictObject({
  job_ids: z.array(uuid),
  /** Machines that were left out, and why. */
  skipped: z.array(z.strictObject({ agent_id: uuid, reason: z.string() })),
});
