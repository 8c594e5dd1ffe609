import { z } from "zod";
import { count, hexId, timestamp, uuid } from "../primitives.ts";
import { nextCursor } from "./pages.ts";

/** What is wrong with a stored object: its bytes aren't what its name says, it is gone though nobody deleted it, or the storage can't read it. */
export const findingKind = z.enum(["damaged", "missing", "unreadable"]);
export type FindingKind = z.infer<typeof findingKind>;

/**
 * What became of it. `suspected`: it could not be read and is tried again; `found`: it is certain; `repairing`: its agent works on it; `repaired`: nothing of it is
 * missing any more; `removed`: somebody deleted the object; `lost`: what it held is nowhere else.
 */
export const findingState = z.enum(["suspected", "found", "repairing", "repaired", "removed", "lost"]);
export type FindingState = z.infer<typeof findingState>;

/** An object that verification found not to be what it should be. */
export const finding = z.strictObject({
  id: uuid,
  repository_id: uuid,
  kind: z.enum(["config", "data", "index", "keys", "locks", "snapshots"]),
  /** The object's name: 64 hex digits, or `config`. */
  name: z.string(),
  size_bytes: count,
  what: findingKind,
  state: findingState,
  /** What the reading gave, for people. */
  detail: z.string(),
  found_at: timestamp,
  changed_at: timestamp,
  /** The job that works on it, or was the last to. */
  job_id: uuid.nullable(),
  /** The snapshots that need what is gone, as their agent told; null: nobody has told. */
  snapshots_at_risk: z.array(hexId).nullable(),
});
export type Finding = z.infer<typeof finding>;

/** Newest first. */
export const findingList = z.strictObject({ findings: z.array(finding), next_cursor: nextCursor });

const amounts = {
  total_bytes: count,
  total_objects: count,
  /** Read and found right within the last 30 days. An upload counts: it is compared with its name before it is kept. */
  verified_bytes: count,
  /** Those whose last reading is long enough ago for another one. */
  due_bytes: count,
  /** How long ago the byte was read that was not read for the longest time; null: there are none. */
  oldest_age_seconds: count.nullable(),
  /** Open findings. */
  findings: z.strictObject({ suspected: count, found: count, repairing: count, lost: count }),
};

export const behindBecause = z.enum([
  /** Something wasn't read for more than 30 days. */
  "late",
  /** At this speed or with this budget, something won't be. */
  "too-slow",
]);

/** How far the verification of everything that a tenant has stored is. */
export const verification = z.strictObject({
  ...amounts,
  /** At which speed a worker last read; null: nothing was read within a day. */
  bytes_per_second: count.nullable(),
  /** The most that each worker reads in a second; 0: verification is switched off. */
  budget_bytes_per_second: count,
  /** Until everything that is due was read; null: it can't be told. */
  seconds_to_finish: count.nullable(),
  behind: z.boolean(),
  behind_because: behindBecause.nullable(),
});
export type Verification = z.infer<typeof verification>;

/** The same for one repository, and whether somebody wants it verified now. */
export const repositoryVerification = z.strictObject({
  repository_id: uuid,
  ...amounts,
  requested_at: timestamp.nullable(),
  /** When everything was read that the request asked for. */
  finished_at: timestamp.nullable(),
});
export type RepositoryVerification = z.infer<typeof repositoryVerification>;
