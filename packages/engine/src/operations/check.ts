import { allOf } from "../flow/all-of.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { checkIndexes } from "./check/check-indexes.ts";
import { checkPackData } from "./check/check-pack-data.ts";
import { checkPacks } from "./check/check-packs.ts";
import { checkTrees } from "./check/check-trees.ts";
import { CheckReport } from "./check/check-report.ts";
import type { CheckRequest, CheckResult } from "./check/check-request.ts";
import { selectPacks } from "./check/read-data-subset.ts";

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
  const { readData } = run;
  const chosen = readData && selectPacks(packs, readData, repository.compute.primitives.randomBytes);
  // Lanes look through the packs while this thread walks the trees.
  await allOf(run.signal, [
    (signal) => checkTrees(repository, snapshots, { ...run, signal }, report),
    async (signal) => chosen && (await checkPackData(repository, chosen, { ...run, signal }, report)),
  ]);
  return report.result();
}
