import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import type { ObjectId } from "../format/ids.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { defaultPackSizeBytes } from "../pack/pack-builder.ts";
import { requireDeletionAllowed } from "../repository/delete-objects.ts";
import { loadIndex } from "../repository/load-index.ts";
import { exclusiveLock } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshot } from "../repository/snapshots.ts";
import { listDecisive, requireSameLists } from "./prune/decisive-lists.ts";
import { executePlan } from "./prune/execute-plan.ts";
import { countPackUse } from "./prune/pack-use.ts";
import { planPrune, type PrunePlan } from "./prune/plan-prune.ts";
import type { PruneRequest, PruneResult } from "./prune/prune-request.ts";
import { markUsedBlobs } from "./prune/used-blobs.ts";

/**
 * Removes what no snapshot needs, and repacks what is needed only in part (restic manual, "Removing backup snapshots", "Prune").
 *
 * It may be stopped anywhere: every snapshot is whole all the time, and the next prune goes on with what is done. New packs are durable before an index
 * names them, indexes that still name old packs go next, old packs last; each deletion asks first whether the lock still holds.
 *
 * Nothing is deleted unless all of this holds: every snapshot and tree can be read, every blob that they need is in a pack that is there with the
 * size that it must have, what is repacked was read and verified, the snapshots and indexes are the same when listed once more, and
 * there is a snapshot, unless the request says that there need be none. Rejects with `corrupt-data`, `not-found` or `aborted` otherwise;
 * with `store-denied` where the store lets nobody delete.
 *
 * The repository's index is empty afterwards: what it said is not true any more.
 */
export async function prune(repository: Repository, request: PruneRequest): Promise<PruneResult> {
  requireSense(repository, request);
  await using lock = await exclusiveLock(repository, request.lock, request);
  const run = { ...request, signal: lock.signal };

  const before = await listDecisive(repository, run);
  const snapshots = await loadAll(repository, before.snapshots, run);
  await loadIndex(repository, run);
  requireNoConflict(repository);
  const firstCopies = repository.index.firstCopies();
  const used = await markUsedBlobs(repository, snapshots, run);
  const { packs, totals } = countPackUse(repository.index, used, firstCopies);
  const stored = await listPacks(repository, run);
  requireSnapshots(snapshots, stored, run);
  const plan = planPrune(packs, totals, stored, { ...run, version: repository.config.version });
  const result = resultOf(plan, snapshots);
  await run.onPlan?.(result);
  if (run.dryRun || !(changesAnything(plan) || repository.index.hasRepeatedPacks)) return result;

  await requireSameLists(repository, before, ["snapshots", "index"], run);
  await requireDeletionAllowed(repository, { lock, signal: run.signal });
  await executePlan(repository, plan, { used, firstCopies, lock, before, run });
  return result;
}

function requireSense({ config }: Repository, request: PruneRequest): void {
  const refuse = (message: string) => {
    throw new EngineError("invalid-input", message);
  };
  if (request.repackUncompressed && config.version === 1)
    refuse("This repository has format version 1, which knows no compression");
  if (request.repackUncompressed && request.compression === "off")
    refuse("Repacking what is not compressed makes no sense with compression off");
  if (request.smallPackBytes !== undefined && request.smallPackBytes > (request.packSizeBytes ?? defaultPackSizeBytes))
    refuse(
      "Packs can't be repacked that are small only beside larger ones than are written: choose a larger pack size",
    );
}

const snapshotsAtOnce = 8;

/** Every one of them: the data of one that can't be read, or vanished just now, would be taken for garbage. */
async function loadAll(
  repository: Repository,
  ids: ReadonlySet<ObjectId>,
  { ignoreSnapshots, ...run }: PruneRequest,
): Promise<StoredSnapshot[]> {
  const wanted = [...ids].filter((id) => !ignoreSnapshots?.has(id));
  const snapshots: StoredSnapshot[] = [];
  const load = async (id: ObjectId) => await loadSnapshot(repository, id, run);
  for await (const snapshot of mapConcurrent(wanted, snapshotsAtOnce, load)) snapshots.push(snapshot);
  return snapshots;
}

function requireNoConflict({ index }: Repository): void {
  const conflicting = index.conflictingPacks();
  if (conflicting.length === 0) return;
  throw new EngineError(
    "corrupt-data",
    `Index files disagree about what is in ${conflicting.length} packs, such as data/${conflicting[0]}. Nothing was changed`,
    { hint: "Run `repair index`, which asks the packs themselves." },
  );
}

async function listPacks(
  { store, index }: Repository,
  run: Abortable & Pick<PruneRequest, "onProgress">,
): Promise<Map<ObjectId, number>> {
  const stored = new Map<ObjectId, number>();
  for await (const { id, sizeBytes } of store.list("data", { signal: run.signal })) {
    stored.set(id, sizeBytes);
    run.onProgress?.({ step: "packs", done: stored.size, total: index.packCount });
  }
  return stored;
}

function requireSnapshots(
  snapshots: readonly StoredSnapshot[],
  stored: ReadonlyMap<ObjectId, number>,
  { allowNoSnapshots, dryRun }: PruneRequest,
): void {
  if (snapshots.length > 0 || stored.size === 0 || allowNoSnapshots || dryRun) return;
  throw new EngineError(
    "invalid-input",
    `The repository has ${stored.size} packs of data and no snapshot: prune would remove all of it. Nothing was changed`,
    {
      hint: "If that is what you want, use --unsafe-allow-remove-all. If there should be snapshots, look for them first: they may be in quarantine, or the store may not list them.",
    },
  );
}

function resultOf(plan: PrunePlan, snapshots: readonly StoredSnapshot[]): PruneResult {
  return {
    stats: { ...plan.stats, snapshots: snapshots.length },
    unreferencedPacks: plan.unreferenced,
    repackedPacks: plan.repack.map(({ id }) => id),
    removedPacks: plan.remove,
  };
}

function changesAnything({ unreferenced, repack: repacked, remove, missing }: PrunePlan): boolean {
  return unreferenced.length + repacked.length + remove.length + missing.length > 0;
}
