import type { RetentionPreview } from "@saveos/contract";
import type { Kysely } from "kysely";
import type { Database } from "../../database/schema.ts";
import { selectSnapshotObjects } from "../../gateway/index.ts";
import { notFound } from "../../http/problem.ts";
import { findAgent } from "../agents/index.ts";
import { keptSnapshots } from "./kept-snapshots.ts";
import { findPlan } from "./queries.ts";

/** Thirty years of hourly ones would be more, and nobody looks through those. */
const snapshotsMax = 10_000;

/** What a plan's retention would keep and remove of what a machine's repository has now. 404 if there is no such plan or machine. */
export async function previewRetention(
  database: Kysely<Database>,
  planId: string,
  agentId: string,
): Promise<RetentionPreview> {
  const plan = await findPlan(database, planId);
  if (plan === undefined) throw notFound("plan");
  const agent = await findAgent(database, agentId);
  if (agent === undefined) throw notFound("agent");
  const repositoryId = agent.repository_id;
  const stored =
    repositoryId === null ? [] : await selectSnapshotObjects(database, { repositoryId, limit: snapshotsMax });
  const dated = stored.map(({ id, storedAt }) => ({ id, receivedAt: storedAt }));
  const { keep, remove } = keptSnapshots(dated, plan.content.retention);
  return {
    keep: keep.map(({ snapshot, reasons }) => ({ ...shown(snapshot), reasons: [...reasons] })),
    remove: remove.map(shown),
  };
}

function shown({ id, receivedAt }: { id: string; receivedAt: Date }): { snapshot_id: string; received_at: string } {
  return { snapshot_id: id, received_at: receivedAt.toISOString() };
}
