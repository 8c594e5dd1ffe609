import type { RepairOrder } from "@saveos/contract";
import type { Repository, RepairPacksResult } from "@saveos/engine";
import { plural } from "../terminal/quantities.ts";
import { asRefusedDeletion, requireGoodClock } from "./deleting.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { openOrder } from "./open-order.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";

/** More snapshots than these at risk, and nobody reads the list. The contract's limit. */
const snapshotsAtRiskMax = 1000;

/** Saves what can be read of the packs that the server found damaged, deletes them, and tells which snapshots need what was lost. */
export async function runRepairOrder(deps: OrderDeps, order: RepairOrder, run: JobRun): Promise<JobEnd> {
  const { signal, say } = run;
  if (!order.dry_run) requireGoodClock(deps);
  const { repository } = await openOrder(deps, order);
  await using opened = await deps.openRepository({
    repository,
    // What is damaged there may be whole in a cache, and the other way round.
    useCache: false,
    bandwidth: [],
    grant: order.grant ?? undefined,
    onRetry: sayRetry(say),
    signal,
  });
  const { salvagedBlobs, lostBlobs } = order.dry_run
    ? { salvagedBlobs: 0, lostBlobs: [] }
    : await asRefusedDeletion(async () => await repair(deps, opened.repository, order, run));
  // What snapshots need and isn't there; in a dry run what they need now.
  const atRisk = order.dry_run || lostBlobs.length > 0 ? await snapshotsAtRisk(deps, opened.repository, run) : [];
  say(
    "info",
    `${plural(salvagedBlobs, "blob")} saved, ${lostBlobs.length} lost, ${plural(atRisk.length, "snapshot")} at risk`,
  );
  return {
    outcome: "completed",
    summary: {
      packs_removed: order.dry_run ? 0 : order.pack_ids.length,
      blobs_saved: salvagedBlobs,
      blobs_lost: lostBlobs.length,
      snapshots_at_risk: atRisk.slice(0, snapshotsAtRiskMax),
    },
  };
}

async function repair(
  deps: OrderDeps,
  repository: Repository,
  { pack_ids }: RepairOrder,
  run: JobRun,
): Promise<RepairPacksResult> {
  const { parseObjectId, repairPacks } = await import("@saveos/engine");
  return await repairPacks(repository, {
    lock: lockOfJob(deps, run),
    packs: pack_ids.map(parseObjectId),
    compression: "auto",
    onProblem: ({ object, message }) => deps.log.warn(`${object}: ${message}`),
    onProgress: ({ done, total }) =>
      run.onProgress({ filesDone: done, bytesDone: 0, filesTotal: total, bytesTotal: undefined }),
    signal: run.signal,
  });
}

/** Those that a repair of snapshots would have to change. Nothing is changed. */
async function snapshotsAtRisk(deps: OrderDeps, repository: Repository, run: JobRun): Promise<string[]> {
  const { repairSnapshots } = await import("@saveos/engine");
  const { repaired, lost } = await repairSnapshots(repository, {
    lock: { ...lockOfJob(deps, run), noLock: true },
    dryRun: true,
    compression: "auto",
    onUnreadable: (id, error) => deps.log.warn(`Snapshot ${id} can't be read: ${error.message}`),
    // A change names a file.
    onChange: ({ snapshot, path, message }) => deps.log.warn(`Snapshot ${snapshot}: ${path}: ${message}`),
    signal: run.signal,
  });
  return [...repaired.map(({ damaged }) => damaged), ...lost];
}
