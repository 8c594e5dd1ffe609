import type { Abortable } from "../flow/abortable.ts";
import type { ObjectId } from "../format/ids.ts";
import { type LockOptions, lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { checkIndexes } from "./check/check-indexes.ts";
import { checkPackData } from "./check/check-pack-data.ts";
import { checkPacks } from "./check/check-packs.ts";
import { checkTrees } from "./check/check-trees.ts";
import { CheckReport, type Finding } from "./check/check-report.ts";
import { type ReadDataSubset, selectPacks } from "./check/read-data-subset.ts";

/** What `check` is doing now, and how far it is. */
export interface CheckProgress {
  readonly step: "indexes" | "packs" | "snapshots" | "data";
  readonly done: number;
  readonly total: number | undefined;
  /** Of pack data, once reading begins. */
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
}

export interface CheckRequest extends Abortable {
  readonly lock: LockOptions;
  /** Read and verify pack data as well: all of it, or a part. Left out: structure only. */
  readonly readData?: "all" | ReadDataSubset | undefined;
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

export interface CheckResult {
  readonly errors: number;
  readonly hints: number;
  /** Packs that hold damaged blobs. */
  readonly brokenPacks: readonly ObjectId[];
  /** An index disagrees with the packs: `repair index` may mend it. */
  readonly suggestRepairIndex: boolean;
  /** Packs that no index names take space: `prune` removes them. */
  readonly suggestPrune: boolean;
}

/**
 * Checks that everything the snapshots need is there and is what it should be (restic manual, "Checking integrity and consistency").
 * Findings are reported as they come and counted; a damaged repository does not make it reject. Snapshots are listed before the index is
 * read, so that a backup that runs at the same time under `noLock` is not taken for damage.
 */
export async function check(repository: Repository, request: CheckRequest): Promise<CheckResult> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: true, signal: request.signal });
  const run = { ...request, signal: lock.signal };
  const report = new CheckReport(request.onFinding);

  const snapshots = await loadSnapshots(repository, { signal: run.signal, onUnreadable: report.unreadableSnapshot });
  if (!(await checkIndexes(repository, run, report))) return report.result();
  const packs = await checkPacks(repository, run, report);
  await checkTrees(repository, snapshots, run, report);
  if (run.readData)
    await checkPackData(
      repository,
      selectPacks(packs, run.readData, repository.compute.primitives.randomBytes),
      run,
      report,
    );
  return report.result();
}
