import type { IndexedPack } from "../../blob-index/blob-index.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { Repository } from "../../repository/repository.ts";
import type { CheckRequest } from "./check-request.ts";
import type { CheckReport } from "./check-report.ts";

/** Compares the packs in the store with the index: missing, unindexed, or of another size. Resolves with those that are there and indexed. */
export async function checkPacks(
  repository: Repository,
  run: Abortable & Pick<CheckRequest, "onProgress">,
  report: CheckReport,
): Promise<IndexedPack[]> {
  const stored = new Map<ObjectId, number>();
  for await (const { id, sizeBytes } of repository.store.list("data", run)) stored.set(id, sizeBytes);
  const present: IndexedPack[] = [];
  let done = 0;
  for (const indexed of repository.index.packs()) {
    const { pack } = indexed;
    const sizeBytes = stored.get(pack);
    stored.delete(pack);
    done += 1;
    run.onProgress?.({ step: "packs", done, total: repository.index.packCount });
    if (sizeBytes === undefined) {
      report.error(`data/${pack}`, `the pack is missing; the index says that it holds ${indexed.blobCount} blobs`);
      report.suggestRepairIndex();
      continue;
    }
    if (sizeBytes !== indexed.sizeBytes) {
      report.brokenPack(pack, `the pack has ${sizeBytes} bytes, but by the index it must have ${indexed.sizeBytes}`);
      report.suggestRepairIndex();
    }
    if (indexed.isMixed)
      report.hint(`data/${pack}`, "the pack mixes trees and data, as old programs did; `prune` would part them");
    present.push(indexed);
  }
  for (const pack of stored.keys()) {
    report.hint(
      `data/${pack}`,
      "no index names this pack: an interrupted backup left it. It does no harm; `prune` removes it",
    );
    report.suggestPrune();
  }
  return present;
}
