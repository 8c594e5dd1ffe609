import type { BlobId } from "../../format/ids.ts";
import type { Snapshot, StoredSnapshot } from "../../format/snapshot.ts";
import { formatTime, localZone } from "../../format/time.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { RepositoryLock } from "../../repository/locks.ts";
import type { Repository } from "../../repository/repository.ts";
import { saveSnapshot } from "../../repository/snapshots.ts";
import type { BackupResult, BackupRun, BackupSettings } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";

type FinishedRun = BackupRun<BackupSettings> & {
  readonly targets: readonly { readonly absolute: string }[];
  readonly excludesToRecord?: readonly string[];
  readonly skipIfUnchanged?: boolean;
};

/** The last step, once every blob is saved: packs and index made durable, and only then the snapshot that names the root tree. */
export async function finishBackup(
  repository: Repository,
  {
    run,
    lock,
    parent,
    writer,
    tally,
    rootTree,
  }: {
    run: FinishedRun;
    lock: RepositoryLock;
    parent: StoredSnapshot | undefined;
    writer: BlobWriter;
    tally: BackupTally;
    rootTree: BlobId;
  },
): Promise<BackupResult> {
  await writer.flush();
  const summary = tally.summary();
  const snapshot: Snapshot = {
    time: formatTime(run.timeNs, localZone),
    parent: parent?.id,
    tree: rootTree,
    paths: run.targets.map(({ absolute }) => absolute),
    hostname: run.hostname,
    username: run.username,
    uid: run.uid,
    gid: run.gid,
    excludes: run.excludesToRecord ?? [],
    tags: run.tags,
    original: undefined,
    programVersion: run.programVersion,
    summary,
  };
  const isSkipped = run.dryRun || (run.skipIfUnchanged && parent?.tree === rootTree);
  // With nothing else to write nobody has asked yet.
  await lock.ensureFresh();
  const snapshotId = isSkipped ? undefined : await saveSnapshot(repository, snapshot, { signal: run.signal });
  return { snapshotId, snapshot, summary, problems: tally.problems, parent: parent?.id };
}
