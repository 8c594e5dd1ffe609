import { BlobIndex } from "../../blob-index/blob-index.ts";
import { invariant } from "../../errors/invariant.ts";
import type { BlobLocation } from "../../format/blob.ts";
import type { ObjectId } from "../../format/ids.ts";
import { BlobWriter } from "../../repository/blob-writer.ts";
import { deleteObjects } from "../../repository/delete-objects.ts";
import type { RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { rewriteIndex } from "../../repository/rewrite-index.ts";
import { type DecisiveLists, requireSameLists } from "./decisive-lists.ts";
import type { PrunePlan } from "./plan-prune.ts";
import type { PruneRequest } from "./prune-request.ts";
import { type PackToRepack, repack } from "./repack.ts";

export interface Execution {
  readonly used: Uint8Array;
  readonly firstCopies: Uint32Array;
  readonly lock: RepositoryLock;
  readonly before: DecisiveLists;
  readonly run: PruneRequest & { readonly signal: AbortSignal };
}

/** Does what the plan says, in the order that keeps every snapshot whole at every moment. */
export async function executePlan(repository: Repository, plan: PrunePlan, execution: Execution): Promise<void> {
  const { lock, before, run } = execution;
  const { signal, onProgress } = run;
  const report = (step: "unreferenced" | "obsolete-indexes" | "delete" | "index") => (done: number, total: number) =>
    onProgress?.({ step, done, total });
  // What nothing refers to makes room for what is to be written.
  await deleteObjects(repository, "data", plan.unreferenced, { lock, signal, onDelete: report("unreferenced") });

  const old = [...plan.remove, ...plan.repack.map(({ id }) => id)];
  const drop = new Set([...old, ...plan.missing]);
  if (drop.size === 0 && !repository.index.hasRepeatedPacks) return;
  if (plan.repack.length > 0) await repackInto(repository, plan, drop, execution);
  requireKept(repository, drop, execution);

  // Repacking may have taken hours.
  await requireSameLists(repository, before, ["snapshots"], run);
  await rewriteIndex(repository, { lock, signal, drop, onRead: report("index"), onDelete: report("obsolete-indexes") });
  await deleteObjects(repository, "data", old, { lock, signal, onDelete: report("delete") });
  repository.index = new BlobIndex();
}

async function repackInto(
  repository: Repository,
  plan: PrunePlan,
  drop: ReadonlySet<ObjectId>,
  { used, firstCopies, lock, run }: Execution,
): Promise<void> {
  await using writer = new BlobWriter(repository, {
    lock,
    compression: run.compression,
    packSizeBytes: run.packSizeBytes,
  });
  let done = 0;
  await repack(repository, packsToRepack(repository, plan, drop, used, firstCopies), writer, {
    signal: run.signal,
    compression: run.compression,
    compressData: run.repackUncompressed === true,
    onPackDone: () => run.onProgress?.({ step: "repack", done: (done += 1), total: plan.repack.length }),
  });
  await writer.flush();
}

/** Of each pack the used blobs that lie in no pack that stays, and each of them once. */
function* packsToRepack(
  { index }: Repository,
  plan: PrunePlan,
  drop: ReadonlySet<ObjectId>,
  used: Uint8Array,
  firstCopies: Uint32Array,
): Generator<PackToRepack, void, undefined> {
  const wanted = used.slice();
  const forget = (packRow: number) => {
    const { first, end } = index.blobRowsOf(packRow);
    for (let row = first; row < end; row++) wanted[firstCopies[row] ?? 0] = 0;
  };
  // The index grows while blobs are copied: what is known now is what counts.
  const packRows = index.packRowCount;
  for (let packRow = 0; packRow < packRows; packRow++) if (!drop.has(index.packIdOf(packRow))) forget(packRow);
  for (const { row: packRow, id: pack } of plan.repack) {
    const { first, end } = index.blobRowsOf(packRow);
    const blobs: BlobLocation[] = [];
    for (let row = first; row < end; row++) {
      const blob = firstCopies[row] ?? 0;
      if (wanted[blob] === 0) continue;
      wanted[blob] = 0;
      blobs.push(index.locationOf(packRow, row));
    }
    yield { pack, blobs };
  }
}

/** The last look before anything is deleted that a snapshot may refer to: each used blob is in a pack that stays. */
function requireKept({ index }: Repository, drop: ReadonlySet<ObjectId>, { used }: Execution): void {
  const kept = new Uint8Array(used.length);
  const firstCopies = index.firstCopies();
  for (let packRow = 0; packRow < index.packRowCount; packRow++) {
    if (drop.has(index.packIdOf(packRow))) continue;
    const { first, end } = index.blobRowsOf(packRow);
    for (let row = first; row < end; row++) kept[firstCopies[row] ?? 0] = 1;
  }
  invariant(
    used.every((isUsed, row) => isUsed === 0 || kept[row] === 1),
    "every blob that is used lies in a pack that stays",
  );
}
