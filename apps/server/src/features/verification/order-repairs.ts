import { namedObjectsMax } from "@saveos/contract";
import type { Kysely, Selectable } from "kysely";
import type { Clock } from "../../clock.ts";
import type { AgentsTable, Database, StoredOrder } from "../../database/schema.ts";
import { oneAtATime } from "../../gateway/index.ts";
import { ProblemError } from "../../http/problem.ts";
import { recordAudit, theServer } from "../audit/index.ts";
import { queueJob } from "../jobs/index.ts";
import { moveFinding } from "./findings.ts";

interface Deps {
  readonly database: Kysely<Database>;
  readonly clock: Clock;
}

/** After a repair that failed, or when nobody could be told, a person may have to look: another one a day later. */
const againAfterMs = 24 * 60 * 60 * 1000;

/**
 * Tells the machine of each repository with damaged packs or index files to repair it: it alone has the key. A damaged snapshot, key or config is for a person: what
 * could be done without asking would only make it less.
 */
export async function orderRepairs({ database, clock }: Deps): Promise<void> {
  const waiting = await repairable(database, clock).select("repository_id").distinct().execute();
  for (const { repository_id } of waiting) {
    await oneAtATime(database, repository_id, async (transaction) => {
      await orderRepair({ database: transaction, clock }, repository_id);
    });
  }
}

function repairable(database: Kysely<Database>, clock: Clock) {
  const longAgo = new Date(clock.now().getTime() - againAfterMs);
  return database
    .selectFrom("verification_findings")
    .where("state", "=", "found")
    .where("kind", "in", ["data", "index"])
    .where((finding) => finding.or([finding("job_id", "is", null), finding("changed_at", "<=", longAgo)]));
}

async function orderRepair({ database, clock }: Deps, repositoryId: string): Promise<void> {
  const findings = await repairable(database, clock)
    .select(["id", "kind", "name"])
    .where("repository_id", "=", repositoryId)
    .orderBy("found_at")
    .limit(namedObjectsMax)
    .execute();
  const agent = await agentOf(database, repositoryId);
  if (findings.length === 0 || agent === undefined || (await isBeingRepaired(database, repositoryId))) return;
  const packs = findings.filter(({ kind }) => kind === "data").map(({ name }) => name);
  const order = repairOrder(repositoryId, packs, { rebuildsIndex: packs.length < findings.length, isDry: false });
  const jobId = await queueIfRoom({ database, clock }, agent.id, order);
  if (jobId === undefined) return;
  for (const { id } of findings) await moveFinding(database, clock, id, ["found"], "repairing", { job_id: jobId });
  const subject = { kind: "job", id: jobId, name: `repair on ${agent.hostname}` };
  const details = { repository_id: repositoryId, packs: packs.length };
  await recordAudit(database, clock, { by: theServer, action: "job.repair-ordered", subject, details });
}

/** A repair: of packs, or in a dry run a look at which snapshots need what is gone. */
export function repairOrder(
  repositoryId: string,
  packs: readonly string[],
  { rebuildsIndex, isDry }: { readonly rebuildsIndex: boolean; readonly isDry: boolean },
): StoredOrder {
  return {
    kind: "repair",
    repository_id: repositoryId,
    repository_path: `/restic/${repositoryId}/`,
    sealed: null,
    dry_run: isDry,
    pack_ids: [...packs],
    rebuild_index: rebuildsIndex,
  };
}

/** Queues a job, unless a hundred wait for that machine already. */
export async function queueIfRoom(deps: Deps, agentId: string, order: StoredOrder): Promise<string | undefined> {
  try {
    return await queueJob(deps, { agentId, order });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 409) return undefined;
    throw error;
  }
}

/** The machine that backs up to a repository: of several, the one that was heard of last. */
export async function agentOf(
  database: Kysely<Database>,
  repositoryId: string,
): Promise<Pick<Selectable<AgentsTable>, "id" | "hostname"> | undefined> {
  return await database
    .selectFrom("agents")
    .select(["id", "hostname"])
    .where("repository_id", "=", repositoryId)
    .where("registered_at", "is not", null)
    .where("revoked_at", "is", null)
    .orderBy("last_seen_at", (order) => order.desc().nullsLast())
    .limit(1)
    .executeTakeFirst();
}

/** One repair after another: each holds the repository for itself. */
async function isBeingRepaired(database: Kysely<Database>, repositoryId: string): Promise<boolean> {
  const running = await database
    .selectFrom("verification_findings")
    .select("id")
    .where("repository_id", "=", repositoryId)
    .where("state", "=", "repairing")
    .limit(1)
    .executeTakeFirst();
  return running !== undefined;
}
