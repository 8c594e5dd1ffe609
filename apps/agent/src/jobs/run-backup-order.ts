import type { BackupOrder } from "@saveos/contract";
import type { BackupProgress, BackupResult, LockOptions, Problem, Repository } from "@saveos/engine";
import type { MachineFacts } from "../host/facts.ts";
import { moreYoungObjects } from "../host/young-objects.ts";
import { backupRules, backupTargets } from "./backup-sources.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { reasonWithoutNames } from "./reason-without-names.ts";
import { summaryCounts } from "./summary-counts.ts";

export interface BackupOrderDeps {
  /** Opens the repository that the server keeps for this machine. */
  readonly openRepository: (signal: AbortSignal) => Promise<AsyncDisposable & { readonly repository: Repository }>;
  readonly machine: MachineFacts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly programVersion: string;
  readonly ownCacheFolder: string;
  /** What could not be read, for this machine's own log: names don't go to the server. */
  readonly onProblem: (problem: Problem) => void;
  readonly onWaiting: (message: string) => void;
}

/** Another's lock may be a manual backup: a scheduled one can wait for it. */
const retryLockMs = 10 * 60_000;

/** Does the backup that the server ordered. */
export async function runBackupOrder(deps: BackupOrderDeps, order: BackupOrder, run: JobRun): Promise<JobEnd> {
  try {
    return endOf(await backUp(deps, order, run));
  } catch (error) {
    if (run.signal.aborted) return { outcome: "cancelled", reason: "It was stopped before it was done" };
    deps.onProblem({ path: "", message: error instanceof Error ? error.message : String(error), cause: error });
    return { outcome: "failed", reason: reasonWithoutNames(error) };
  }
}

async function backUp(
  deps: BackupOrderDeps,
  order: BackupOrder,
  { signal, onProgress }: JobRun,
): Promise<BackupResult> {
  const { machine, env, platform } = deps;
  const [{ backup, displayName, listTargetsAhead }, { nodeSource }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  const source = nodeSource();
  const targets = backupTargets(source, order.paths, "/");
  const rules = await backupRules({ exclude: order.excludes, ownCacheFolder: deps.ownCacheFolder }, { env, platform });
  const withAtime = false;
  await using ahead = listTargetsAhead(source, targets, rules, { withAtime });
  await using opened = await deps.openRepository(signal);
  using _young = moreYoungObjects();
  return await backup(opened.repository, source, {
    targets,
    rules,
    ahead,
    excludesToRecord: order.excludes,
    tags: order.tags,
    ...machine,
    groupBy: { host: true, paths: true, tags: false },
    ignoreCtime: false,
    ignoreInode: false,
    withAtime,
    skipIfUnchanged: false,
    compression: "auto",
    programVersion: deps.programVersion,
    lock: lockOf(deps),
    onProgress: (progress) => onProgress(reported(progress)),
    // The log is lines of text, and whoever names a file must not write lines into it.
    onProblem: ({ path, ...problem }) => deps.onProblem({ ...problem, path: displayName(path) }),
    signal,
  });
}

function lockOf({ machine, onWaiting }: BackupOrderDeps): LockOptions {
  return { ...machine, pid: process.pid, retryLockMs, onWaiting };
}

function reported({
  filesDone,
  bytesDone,
  filesTotal,
  bytesTotal,
}: BackupProgress): Parameters<JobRun["onProgress"]>[0] {
  return {
    files_done: filesDone,
    bytes_done: bytesDone,
    ...(filesTotal === undefined ? {} : { files_total: filesTotal }),
    ...(bytesTotal === undefined ? {} : { bytes_total: bytesTotal }),
  };
}

function endOf({ snapshotId, summary, problems }: BackupResult): JobEnd {
  return {
    outcome: problems > 0 ? "partial" : "completed",
    ...(problems > 0 ? { reason: "Some of it could not be read: the machine's own log names it" } : {}),
    summary: {
      ...(snapshotId === undefined ? {} : { snapshot_id: snapshotId }),
      ...summaryCounts(summary),
      errors: problems,
    },
  };
}
