import { lstat } from "node:fs/promises";
import type { BackupOrder } from "@saveos/contract";
import type { BackupProgress, BackupResult, Repository } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { systemErrorCode } from "../errors/system-error.ts";
import { nowText } from "../host/clock.ts";
import { moreYoungObjects } from "../host/young-objects.ts";
import { formatBytes, formatCount, plural } from "../terminal/quantities.ts";
import { backupRules, backupTargets } from "./backup-sources.ts";
import type { JobEnd, JobRun, Say } from "./job-end.ts";
import { findLastSnapshotGone, rememberLastSnapshot } from "./last-snapshot.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";
import { summaryCounts } from "./summary-counts.ts";
import { UnreadableList } from "./unreadable.ts";

/** Does the backup that the server ordered. */
export async function runBackupOrder(deps: OrderDeps, order: BackupOrder, run: JobRun): Promise<JobEnd> {
  const paths = await pathsOf(order);
  await using unreadable = await UnreadableList.open(deps.home.stateFolder, order.job_id, deps.log.warn);
  const result = await backUp(deps, order, paths, run, unreadable);
  return endOf(result, unreadable);
}

async function backUp(
  deps: OrderDeps,
  order: BackupOrder,
  paths: readonly string[],
  run: JobRun,
  unreadable: UnreadableList,
): Promise<BackupResult> {
  const { machine, env, platform, log, home } = deps;
  const { signal, say } = run;
  const [{ backup, displayName, listTargetsAhead }, { nodeSource }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  const source = nodeSource();
  const targets = backupTargets(source, paths, "/");
  const rules = await backupRules({ exclude: order.excludes, ownCacheFolder: home.cacheFolder }, { env, platform });
  const withAtime = false;
  await using ahead = listTargetsAhead(source, targets, rules, { withAtime });
  await using opened = await deps.openRepository({
    repository: "own",
    useCache: true,
    bandwidth: order.bandwidth,
    onRetry: sayRetry(say),
    signal,
  });
  await tellOfGoneSnapshot(deps, opened.repository, run);
  using _young = moreYoungObjects();
  const result = await backup(opened.repository, source, {
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
    lock: lockOfJob(deps, run),
    onProgress: progressOf(run),
    onProblem: (problem) => {
      // The log is lines of text, and whoever names a file must not write lines into it.
      const path = displayName(problem.path);
      unreadable.note(problem, path);
      log.warn(path === "" || problem.message.includes(path) ? problem.message : `${path}: ${problem.message}`);
    },
    signal,
  });
  await remember(deps, result);
  saySummary(say, result);
  return result;
}

/** It is backed up all the same: one snapshot more is never a loss. */
async function tellOfGoneSnapshot(
  { home, clock }: OrderDeps,
  repository: Repository,
  { say, signal }: JobRun,
): Promise<void> {
  const gone = await findLastSnapshotGone(home.stateFolder, repository, { now: nowText(clock), signal });
  if (gone !== undefined)
    say(
      "warning",
      `The snapshot that this machine made at ${gone.madeAt} is not in the repository any more: unless somebody removed it, the server shows an older state`,
    );
}

async function remember({ home, clock }: OrderDeps, { snapshotId }: BackupResult): Promise<void> {
  if (snapshotId === undefined) return;
  await rememberLastSnapshot(home.stateFolder, { id: snapshotId, madeAt: nowText(clock) });
}

/** The order's paths, and of those that need not be there those that are. Rejects with `nothing-to-back-up` if that is none at all. */
async function pathsOf({ paths, paths_if_present: optional }: BackupOrder): Promise<string[]> {
  const present: string[] = [];
  for (const path of optional) if (!paths.includes(path) && (await isThere(path))) present.push(path);
  if (paths.length + present.length > 0) return [...paths, ...present];
  throw new AgentError("nothing-to-back-up", "Nothing of what the order names is on this machine.");
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    // What can't be looked at is there: the backup says what is wrong with it.
    return systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ENOTDIR";
  }
}

function progressOf({ onProgress, say }: JobRun): (progress: BackupProgress) => void {
  let saysTotals = true;
  return ({ filesDone, bytesDone, filesTotal, bytesTotal }) => {
    if (saysTotals && filesTotal !== undefined && bytesTotal !== undefined) {
      saysTotals = false;
      say("info", `${plural(filesTotal, "file")} to look at, ${formatBytes(bytesTotal)}`);
    }
    onProgress({ filesDone, bytesDone, filesTotal, bytesTotal });
  };
}

function saySummary(say: Say, { summary, problems }: BackupResult): void {
  const { filesNew, filesChanged, totalFilesProcessed, totalBytesProcessed, dataAddedPacked } = summary;
  say(
    "info",
    `Looked at ${plural(totalFilesProcessed, "file")}, ${formatBytes(totalBytesProcessed)}: ${formatCount(filesNew)} new, ` +
      `${formatCount(filesChanged)} changed; stored ${formatBytes(dataAddedPacked)}`,
  );
  if (problems > 0) say("warning", `${plural(problems, "file or folder", "files and folders")} could not be read`);
}

function endOf({ snapshotId, summary, problems }: BackupResult, { counts }: UnreadableList): JobEnd {
  return {
    outcome: problems > 0 ? "partial" : "completed",
    ...(problems > 0
      ? { reason: "Some of it could not be read: `saveos-agent unreadable` on the machine names it" }
      : {}),
    ...(counts === undefined ? {} : { unreadable: counts }),
    summary: {
      ...(snapshotId === undefined ? {} : { snapshot_id: snapshotId }),
      ...summaryCounts(summary),
      errors: problems,
    },
  };
}
