import { isFinal, type RepairSummary } from "@saveos/contract";
import type { Kysely, Selectable } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Database, JobsTable } from "../../database/schema.ts";
import { oneAtATime } from "../../gateway/index.ts";
import { findJob } from "../jobs/index.ts";
import { runPlansOf } from "../plans/index.ts";
import { moveFinding } from "./findings.ts";
import { agentOf, queueIfRoom, repairOrder } from "./order-repairs.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** Somebody may bring the files back that a lost object held: the next backup then stores what is missing. */
const lostAgainMs = 7 * 24 * 60 * 60 * 1000;

interface Followed {
  readonly id: string;
  readonly repository_id: string;
  readonly kind: "data" | "index";
  readonly name: string;
}

/**
 * Goes on with repairs whose jobs have ended. A repair that lost nothing is the end of it. Else the machine backs up all of its plans, which stores anew what its
 * files still have, and then looks once more: what is missing even then is lost, and the snapshots that need it are named.
 */
export async function followRepairs(deps: Deps): Promise<void> {
  const repairing = await deps.database
    .selectFrom("verification_findings")
    .select(["repository_id", "job_id"])
    .distinct()
    .where("state", "=", "repairing")
    .execute();
  for (const { repository_id, job_id } of repairing) {
    await oneAtATime(deps.database, repository_id, async (database) => {
      const job = job_id === null ? undefined : await findJob(database, job_id);
      await followJob({ ...deps, database }, repository_id, job_id, job);
    });
  }
  await lookAtLost(deps);
}

async function followJob(
  deps: Deps,
  repositoryId: string,
  jobId: string | null,
  job: Selectable<JobsTable> | undefined,
): Promise<void> {
  if (job !== undefined && !isFinal(job.state)) return;
  const { database, clock } = deps;
  // Asked for again: another worker may have gone on with them meanwhile.
  const findings = await database
    .selectFrom("verification_findings")
    .select(["id", "repository_id", "kind", "name"])
    .where("repository_id", "=", repositoryId)
    .where("state", "=", "repairing")
    .where((finding) => (jobId === null ? finding("job_id", "is", null) : finding("job_id", "=", jobId)))
    .execute();
  const followed = findings as Followed[];
  const retry = job === undefined ? undefined : await retryOf(database, job.id);
  if (retry !== undefined) return await setJob(database, followed, retry);
  const wasLookOnly = job?.order.kind === "repair" && job.order.dry_run;
  const summary = job === undefined ? undefined : repairSummaryOf(job);
  if (job === undefined || summary === undefined) {
    // What was known before still holds: of a look that failed, the objects that are gone; of a repair, those that are damaged.
    for (const { id } of followed)
      await moveFinding(database, clock, id, ["repairing"], wasLookOnly ? "lost" : "found");
    return;
  }
  const atRisk = [...summary.snapshots_at_risk];
  if (atRisk.length === 0) return await endAsRepaired(deps, followed);
  const lookJobId = wasLookOnly ? undefined : await backUpAndLook(deps, repositoryId, job.agent_id, followed);
  for (const { id } of followed) {
    if (lookJobId === undefined)
      await moveFinding(database, clock, id, ["repairing"], "lost", { snapshots_at_risk: atRisk });
    else await setJobOf(database, id, lookJobId, atRisk);
  }
}

function repairSummaryOf({ state, summary }: Selectable<JobsTable>): RepairSummary | undefined {
  if (state !== "completed" && state !== "partial") return undefined;
  return summary !== null && "snapshots_at_risk" in summary ? summary : undefined;
}

async function backUpAndLook(
  deps: Deps,
  repositoryId: string,
  agentId: string,
  followed: readonly Followed[],
): Promise<string | undefined> {
  await runPlansOf(deps, agentId);
  const packs = followed.filter(({ kind }) => kind === "data").map(({ name }) => name);
  // A machine does its jobs in their order, so it looks after it has backed up.
  return await queueIfRoom(deps, agentId, repairOrder(repositoryId, packs, { rebuildsIndex: false, isDry: true }));
}

/** Nothing that a snapshot needs is missing. An object that is still there all the same is looked at again, and told of again a day later. */
async function endAsRepaired({ database, clock }: Deps, followed: readonly Followed[]): Promise<void> {
  for (const { id, repository_id, kind, name } of followed) {
    const key = { repository_id, kind, name };
    // What the storage has lost and nobody needs, the ledger needn't miss.
    await database
      .deleteFrom("objects")
      .where((row) => row.and(key))
      .where("missing_since", "is not", null)
      .execute();
    const row = await database
      .selectFrom("objects")
      .select("name")
      .where((at) => at.and(key))
      .executeTakeFirst();
    const to = row === undefined ? "repaired" : "found";
    await moveFinding(database, clock, id, ["repairing"], to, { snapshots_at_risk: [] });
  }
}

/** A failed job that is worth another try gets one by itself. */
async function retryOf(database: Kysely<Database>, jobId: string): Promise<string | undefined> {
  const retry = await database.selectFrom("jobs").select("id").where("retry_of", "=", jobId).executeTakeFirst();
  return retry?.id;
}

async function setJob(database: Kysely<Database>, followed: readonly Followed[], jobId: string): Promise<void> {
  for (const { id } of followed)
    await database.updateTable("verification_findings").set({ job_id: jobId }).where("id", "=", id).execute();
}

async function setJobOf(database: Kysely<Database>, id: string, jobId: string, atRisk: string[]): Promise<void> {
  await database
    .updateTable("verification_findings")
    .set({ job_id: jobId, snapshots_at_risk: atRisk })
    .where("id", "=", id)
    .execute();
}

/** What was lost is over when no snapshot that needed it is left, and is looked for again once a week. */
async function lookAtLost({ database: ofTenant, clock }: Deps): Promise<void> {
  const repositories = await ofTenant
    .selectFrom("verification_findings")
    .select("repository_id")
    .distinct()
    .where("state", "=", "lost")
    .execute();
  for (const { repository_id } of repositories) {
    await oneAtATime(ofTenant, repository_id, async (database) => {
      await lookAtLostOf({ database, clock }, repository_id);
    });
  }
}

async function lookAtLostOf({ database, clock }: Deps, repositoryId: string): Promise<void> {
  const lost = await database
    .selectFrom("verification_findings")
    .select(["id", "kind", "name", "changed_at", "snapshots_at_risk"])
    .where("repository_id", "=", repositoryId)
    .where("state", "=", "lost")
    .execute();
  const old: typeof lost = [];
  for (const finding of lost) {
    if (!(await areStored(database, repositoryId, finding.snapshots_at_risk ?? [])))
      await moveFinding(database, clock, finding.id, ["lost"], "removed");
    else if (clock.now().getTime() - finding.changed_at.getTime() >= lostAgainMs) old.push(finding);
  }
  const agent = old.length === 0 ? undefined : await agentOf(database, repositoryId);
  if (agent === undefined) return;
  const packs = old.filter(({ kind }) => kind === "data").map(({ name }) => name);
  const order = repairOrder(repositoryId, packs, { rebuildsIndex: false, isDry: true });
  const jobId = await queueIfRoom({ database, clock }, agent.id, order);
  if (jobId === undefined) return;
  for (const { id } of old) await moveFinding(database, clock, id, ["lost"], "repairing", { job_id: jobId });
}

/** Whether any of the snapshots is still there. */
async function areStored(
  database: Kysely<Database>,
  repositoryId: string,
  snapshots: readonly string[],
): Promise<boolean> {
  if (snapshots.length === 0) return true;
  const row = await database
    .selectFrom("objects")
    .select("name")
    .where("repository_id", "=", repositoryId)
    .where("kind", "=", "snapshots")
    .where("name", "in", snapshots)
    .where("deleting_since", "is", null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
