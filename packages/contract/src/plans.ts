import { z } from "zod";

/** A time of the day on a machine's own clock, `HH:MM`. */
export const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of the day such as 22:30");

export const weekday = z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]);
export type Weekday = z.infer<typeof weekday>;

/** Runs spread over more than a day would overtake each other. */
const spreadMaxMinutes = 24 * 60;

/**
 * When a plan runs, always by the clock and zone of each machine. Machines don't begin at one moment: each has its own place in the window, the same on every day,
 * so that a preview tells the truth.
 */
export const schedule = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("cron"),
    /** Five fields as in crontab(5): minute, hour, day of the month, month, day of the week. */
    expression: z.string().min(1).max(200),
    /** A run begins within so many minutes of its time. */
    spread_minutes: z.int().min(0).max(spreadMaxMinutes).default(0),
  }),
  z.strictObject({
    kind: z.literal("daily"),
    /** The window in which a run begins; an end before its beginning lies on the next day. */
    from: timeOfDay,
    to: timeOfDay,
    /** The days on which the window opens; left out: all. */
    days: z.array(weekday).min(1).max(7).optional(),
  }),
]);
export type Schedule = z.infer<typeof schedule>;

/** Well-known sets of paths, different on each platform; `presetOf` says which. */
export const pathPreset = z.enum(["home", "system", "server"]);
export type PathPreset = z.infer<typeof pathPreset>;

const keep = z.int().min(1).max(100_000).optional();
/** restic's duration: years, months, days and hours, such as `1y5m7d2h`. */
const duration = z
  .string()
  .regex(/^(?=.)(\d{1,4}y)?(\d{1,4}m)?(\d{1,4}d)?(\d{1,5}h)?$/, "must be a duration such as 1y5m7d2h")
  .optional();

/** Which snapshots stay, in restic's words (`restic forget --keep-…`). A snapshot that any rule keeps is kept. */
export const retention = z.strictObject({
  keep_last: keep,
  keep_hourly: keep,
  keep_daily: keep,
  keep_weekly: keep,
  keep_monthly: keep,
  keep_yearly: keep,
  keep_within: duration,
});
export type Retention = z.infer<typeof retention>;

/** No limit, or so many bytes a second. A slower one would never end a backup. */
const bytesPerSecond = z
  .int()
  .min(16 * 1024)
  .nullable();

/** How fast a machine may send and receive between two times of its day. Windows are asked in their order; outside of all there is no limit. */
export const bandwidthWindow = z.strictObject({
  from: timeOfDay,
  to: timeOfDay,
  upload_bytes_per_second: bytesPerSecond,
  download_bytes_per_second: bytesPerSecond,
});
export type BandwidthWindow = z.infer<typeof bandwidthWindow>;

/** The name of a command that the machine's own configuration allows. The command itself never comes from the network. */
export const hookName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be a name of lower-case letters, digits, - and _");

const hookTimeoutSeconds = z.int().min(1).max(86_400).default(600);

/** Commands around a backup. One that fails before it ends the job, unless told to go on; those after it run whatever came of it. */
export const hooks = z.strictObject({
  before: z
    .array(
      z.strictObject({
        name: hookName,
        timeout_seconds: hookTimeoutSeconds,
        on_failure: z.enum(["stop", "go-on"]).default("stop"),
      }),
    )
    .max(20)
    .default([]),
  after: z
    .array(
      z.strictObject({
        name: hookName,
        timeout_seconds: hookTimeoutSeconds,
        when: z.enum(["always", "success", "failure"]).default("always"),
      }),
    )
    .max(20)
    .default([]),
});
export type Hooks = z.infer<typeof hooks>;

/** What a plan backs up and how. */
export const planContent = z.strictObject({
  /** Sets of paths that fit each machine's platform. */
  presets: z.array(pathPreset).max(3).default([]),
  /** Paths beside those of the presets, absolute on the machine. */
  paths: z.array(z.string().min(1).max(4096)).max(1000).default([]),
  /** Patterns as `restic backup --exclude` has them, beside those of the presets. */
  excludes: z.array(z.string().min(1).max(4096)).max(1000).default([]),
  /** Tags that its snapshots carry. */
  snapshot_tags: z.array(z.string().min(1).max(256)).max(100).default([]),
  /** Null: only when somebody asks. */
  schedule: schedule.nullable().default(null),
  retention: retention.default({}),
  bandwidth: z.array(bandwidthWindow).max(20).default([]),
  hooks: hooks.default({ before: [], after: [] }),
});
export type PlanContent = z.infer<typeof planContent>;
