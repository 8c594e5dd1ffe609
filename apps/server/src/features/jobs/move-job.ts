import { canBecome, isDeleting, isFinal, jobState, type JobState } from "@saveos/contract";
import type { Kysely, Selectable, Updateable } from "kysely";
import type { Database, JobsTable } from "../../database/schema.ts";
import { publish } from "../../live-events/live-events.ts";

import { endGrantsOfJobs } from "./grant-for-job.ts";

/** What else changes with the state. */
type Changes = Omit<Updateable<JobsTable>, "id" | "agent_id" | "state">;

export type MovedJob = Selectable<JobsTable>;

/**
 * The one place where a job's state changes. Moves the jobs that `which` picks to `to`, and only those that may become that; the database itself checks again
 * which state each is in, so of two processes that move one job at once, one moves it. Returns the jobs moved, as they are now.
 */
export async function moveJobs(
  database: Kysely<Database>,
  which: { readonly jobId: string } | { readonly agentId: string } | { readonly leaseExpiredBefore: Date },
  to: JobState,
  changes: Changes,
): Promise<MovedJob[]> {
  const from = jobState.options.filter((state) => canBecome(state, to));
  const moved = await database
    .updateTable("jobs")
    .set({ ...changes, state: to })
    .where("state", "in", from)
    .where((job) => {
      if ("jobId" in which) return job("id", "=", which.jobId);
      if ("agentId" in which) return job("agent_id", "=", which.agentId);
      return job("lease_expires_at", "<", which.leaseExpiredBefore);
    })
    .returningAll()
    .execute();
  const deleting = isFinal(to) ? moved.filter(({ kind }) => isDeleting(kind)) : [];
  if (deleting.length > 0) {
    const at = deleting[0]?.finished_at ?? new Date();
    await endGrantsOfJobs(
      { database, clock: { now: () => at } },
      deleting.map(({ id }) => id),
    );
  }
  await publish(database, ...moved.map(({ id, agent_id }) => ({ type: "job" as const, id, agent_id })));
  return moved;
}

/** What the end of a job changes, whatever the end: it is no longer held by a lease. */
export function ending(at: Date, reason: string | null): Changes {
  return { finished_at: at, lease_expires_at: null, reason };
}
