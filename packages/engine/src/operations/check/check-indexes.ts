import { BlobIndex } from "../../blob-index/blob-index.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { packIdsIn } from "../../format/index-rows.ts";
import { type ObjectId, shortId } from "../../format/ids.ts";
import type { Repository } from "../../repository/repository.ts";
import { loadIndexRows } from "../../repository/load-index-rows.ts";
import type { CheckRequest } from "./check-request.ts";
import type { CheckReport } from "./check-report.ts";

/** Loads every index file one by one. False if one can't be read: then blobs would look lost that are not, and checking on makes no sense. */
export async function checkIndexes(
  repository: Repository,
  run: Abortable & Pick<CheckRequest, "onProgress">,
  report: CheckReport,
): Promise<boolean> {
  const index = new BlobIndex();
  const indexesOfPack = new Map<ObjectId, number>();
  let done = 0;
  let isWhole = true;
  for await (const object of repository.store.list("index", run)) {
    const { id } = object;
    try {
      const rows = await loadIndexRows(repository, object, run);
      index.addRows(rows);
      for (const pack of packIdsIn(rows)) indexesOfPack.set(pack, (indexesOfPack.get(pack) ?? 0) + 1);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found", "unsupported")) throw error;
      report.error(
        `index/${id}`,
        `${error.message}. Nothing behind it can be checked; \`repair index\` makes the index anew`,
      );
      report.suggestRepairIndex();
      isWhole = false;
    }
    done += 1;
    run.onProgress?.({ step: "indexes", done, total: undefined });
  }
  repository.index = index;
  const conflicting = new Set(index.conflictingPacks());
  for (const pack of conflicting) {
    report.error(`data/${pack}`, "two index files name different contents for this pack");
    report.suggestRepairIndex();
  }
  for (const [pack, count] of indexesOfPack)
    if (count > 1 && !conflicting.has(pack))
      report.hint(`data/${pack}`, `pack ${shortId(pack)} is named by ${count} index files`);
  return isWhole;
}
