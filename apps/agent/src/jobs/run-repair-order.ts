import type { RepairOrder } from "@saveos/contract";
import type { Repository, RepairPacksResult } from "@saveos/engine";
import { plural } from "../terminal/quantities.ts";
import { asRefusedDeletion, requireGoodClock } from "./deleting.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { openOrder } from "./open-order.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";

/** More snapshots than these at risk, and nobody reads the list. The contract's limit. */
const snapshotsAtRiskMax = 1000;

/**
 * Makes the index anew if it is damaged, saves what can be read of the packs that the server found damaged, and deletes them. A dry run does none of that. Then
 * it tells which snapshots need what isn't there: whatever an earlier run, that was cut off, may have lost.
 */
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
  const atRisk = await snapshotsAtRisk(deps, opened.repository, run);
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
  { pack_ids, rebuild_index }: RepairOrder,
  run: JobRun,
): Promise<RepairPacksResult> {
  const { parseObjectId, repairIndex, repairPacks } = await import("@saveos/engine");
  const request = {
    lock: lockOfJob(deps, run),
    onProblem: ({ object, message }: { readonly object: string; readonly message: string }) =>
      deps.log.warn(`${object}: ${message}`),
    onProgress: ({ done, total }: { readonly done: number; readonly total: number | undefined }) =>
      run.onProgress({ filesDone: done, bytesDone: 0, filesTotal: total, bytesTotal: undefined }),
    signal: run.signal,
  };
  if (rebuild_index) await repairIndex(repository, request);
  return await repairPacks(repository, {
    ...request,
    packs: pack_ids.map(parseObjectId),
    compression: "auto",
    onUnknown: (pack) => deps.log.info(`The pack ${pack} is gone already`),
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
