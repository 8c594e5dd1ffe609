import { BlobWriter } from "../repository/blob-writer.ts";
import { loadIndex } from "../repository/load-index.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import type { FileSource } from "../source/file-source.ts";
import { scan } from "../source/scan.ts";
import { BackupTally } from "./backup/backup-tally.ts";
import type { BackupRequest, BackupResult } from "./backup/backup-request.ts";
import { openParent } from "./backup/compare-with-parent.ts";
import { estimateInBackground } from "./backup/estimate-in-background.ts";
import { findParent } from "./backup/find-parent.ts";
import { finishBackup } from "./backup/finish-backup.ts";
import { contentSaver } from "./backup/content-saver.ts";
import { saveEntries } from "./backup/save-entries.ts";
import { TreeWriter } from "./backup/tree-writer.ts";

/**
 * Backs up the targets into a new snapshot. What could not be read is reported through `onProblem`, counted in the result, and left out; the
 * rest is saved. The snapshot is written last: a run that stops anywhere leaves the older snapshots as they were, and a later run finds
 * what this one had stored.
 *
 * Rejects with `source-unreadable` if there is nothing at all to back up, `repository-locked`, `store-…`, or the signal's reason.
 */
export async function backup(
  repository: Repository,
  source: FileSource,
  request: BackupRequest,
): Promise<BackupResult> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: false, signal: request.signal });
  const run = { ...request, signal: lock.signal, timeNs: request.timeNs ?? repository.clock.nowNs() };
  const tally = new BackupTally(run, repository.clock);

  const parent = findParent(
    await loadSnapshots(repository, { signal: run.signal, onUnreadable: tally.unreadableSnapshot }),
    run,
  );
  await loadIndex(repository, { signal: run.signal });

  await using writer = new BlobWriter(repository, { ...run, lock });
  await using _estimate = estimateInBackground(source, run, tally, repository.clock);
  const known = await openParent(parent, { repository, source, writer, run, onDamagedTree: tally.damagedTree(writer) });
  const tree = new TreeWriter(writer, tally, run.targets, known);

  const reporting = { onProblem: tally.problem, onWarning: tally.warning };
  const entries = scan(source, run.targets, run.rules, { ...run, ...reporting, known });
  await using contents = contentSaver({ repository, source, writer, run, tally });
  const saved = saveEntries(entries, { writer, contents, run, tally });
  for await (const entries of saved) await tree.add(entries);

  return await finishBackup(repository, { run, lock, parent, writer, tally, rootTree: await tree.finish() });
}
