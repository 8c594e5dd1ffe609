import { EngineError } from "../errors/engine-error.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { loadIndex, type LoadIndexOptions } from "../repository/load-index.ts";
import { type LockOptions, lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import type { FileTarget } from "../target/file-target.ts";
import type { RestoreLane } from "../target/restore-lane.ts";
import { RestoreReport } from "../target/restore-report.ts";
import type { RestoreSettings } from "../target/restore-settings.ts";
import { type RestoreResult, runRestore } from "../target/run-restore.ts";
import { findSubfolder } from "./restore/find-subfolder.ts";
import { repositoryReader } from "./restore/repository-reader.ts";

export interface RestoreRequest extends RestoreSettings {
  readonly snapshot: StoredSnapshot;
  /** Restore what is in this folder of the snapshot, as if it were the whole. */
  readonly subfolder?: string | undefined;
  readonly lock: LockOptions;
  /** See `LoadIndexOptions`: whoever listens gets everything restored without this index file. */
  readonly onDamagedIndex?: LoadIndexOptions["onDamagedIndex"];
}

/**
 * Restores a snapshot, or a part of it, into a target. What can't be restored is reported through `onProblem`, counted in the result, and
 * left out; the rest goes on. A file that could be restored only in part is left without its metadata.
 *
 * Rejects with `invalid-input` for a request that would delete a whole system, `not-found` for a missing subfolder, `corrupt-data` if
 * the snapshot's own tree is lost, `repository-locked`, `store-…`, or the signal's reason.
 */
export async function restore(
  repository: Repository,
  target: FileTarget,
  request: RestoreRequest,
): Promise<RestoreResult> {
  if (request.delete && target.isWholeSystem && !request.filter)
    throw new EngineError(
      "invalid-input",
      `Deleting all that is not in the snapshot from ${target.label} would destroy the system`,
      {
        hint: "Say with --include or --exclude what the restore is about.",
      },
    );
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: false, signal: request.signal });
  const { signal } = lock;
  await loadIndex(repository, { signal, onDamagedIndex: request.onDamagedIndex });
  const tree = await findSubfolder(repository, request.snapshot, request.subfolder, { signal });
  const reader = repositoryReader(repository, { signal });
  const report = new RestoreReport(request);
  const openLanes = (): readonly RestoreLane[] => target.openLanes?.(repository.masterKey) ?? [];
  return await runRestore({ ...request, signal, reader, target, report, openLanes }, tree);
}
