import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { RestoreOrder } from "@saveos/contract";
import type { Repository, RepositoryLock, RestoreResult, StoredSnapshot } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { isAllowed, readRestoreFolders } from "../host/restore-folders-file.ts";
import { plural } from "../terminal/quantities.ts";
import { ChosenPaths } from "./chosen-paths.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { openOrder } from "./open-order.ts";
import { lockOfJob, type OpenForOrder, type OrderDeps, sayRetry } from "./order-deps.ts";

/** Restores what the server ordered: from the machine's own repository or, with the password that was sealed to this machine, from another one. */
export async function runRestoreOrder(deps: OrderDeps, order: RestoreOrder, run: JobRun): Promise<JobEnd> {
  const { signal, say } = run;
  const { secrets, repository } = await openOrder(deps, order);
  await using opened = await deps.openRepository({
    repository,
    // What another machine's repository holds is not to stay here.
    useCache: repository === "own",
    bandwidth: [],
    onRetry: sayRetry(say),
    signal,
  });
  const snapshot = await findSnapshot(opened.repository, order.snapshot_id, signal);
  const chosen = secrets.paths && new ChosenPaths(secrets.paths);
  const folder = await targetFolder(deps, order, repository);
  deps.log.info(`Restoring snapshot ${snapshot.id.slice(0, 8)} into ${folder}`);
  const result = await restoreInto(deps, { repository: opened.repository, snapshot, folder, chosen, order }, run);
  return endOf(result, chosen?.missing ?? 0);
}

async function findSnapshot(repository: Repository, id: string, signal: AbortSignal): Promise<StoredSnapshot> {
  const engine = await import("@saveos/engine");
  try {
    return (await engine.findSnapshot(repository, id, {}, { signal })).snapshot;
  } catch (error) {
    if (!engine.isEngineError(error, "not-found")) throw error;
    throw new AgentError("invalid-order", "The snapshot is not in the repository", { cause: error });
  }
}

/** The order's folder, or one of the job's own that only the agent's user can look into. */
async function targetFolder(
  { home }: OrderDeps,
  { job_id: jobId, target }: RestoreOrder,
  repository: OpenForOrder["repository"],
): Promise<string> {
  if (target !== null) {
    if (!path.isAbsolute(target))
      throw new AgentError("invalid-order", "The folder to restore into is no absolute path on this machine");
    const folder = path.normalize(target);
    if (repository === "own" || (await isAllowed(folder, await readRestoreFolders(home.restoreFoldersFile))))
      return folder;
    throw new AgentError(
      "folder-not-allowed",
      `Restoring from another machine into ${folder} is not allowed: ${home.restoreFoldersFile} does not name it.`,
    );
  }
  const own = path.join(home.stateFolder, "restores", jobId);
  await mkdir(own, { recursive: true, mode: 0o700 });
  return own;
}

interface RestoreWork {
  readonly repository: Repository;
  readonly snapshot: StoredSnapshot;
  readonly folder: string;
  readonly chosen: ChosenPaths | undefined;
  readonly order: RestoreOrder;
}

async function restoreInto(
  deps: OrderDeps,
  { repository, snapshot, folder, chosen, order }: RestoreWork,
  run: JobRun,
): Promise<RestoreResult> {
  const { log } = deps;
  const { onProgress } = run;
  const [{ displayName, restore }, { nodeTarget }] = await Promise.all([
    import("@saveos/engine"),
    import("@saveos/engine/node"),
  ]);
  await using lock = await lockIfAllowed(deps, repository, run);
  await using target = nodeTarget(folder);
  let saysTotals = true;
  return await restore(repository, target, {
    snapshot,
    filter: chosen,
    overwrite: order.overwrite,
    delete: false,
    dryRun: false,
    verify: false,
    sparse: false,
    ownershipByName: false,
    // It is held already, if it could be taken.
    lock: { ...lockOfJob(deps, run), noLock: true },
    signal: lock.signal,
    onDamagedIndex: (_id, error) => log.warn(error.message),
    onProblem: ({ path: item, message }) => {
      const shown = displayName(item);
      log.warn(message.includes(shown) ? message : `${shown}: ${message}`);
    },
    onProgress: ({ filesRestored, bytesRestored, totalFiles, totalBytes }) => {
      if (saysTotals && filesRestored > 0 && bytesRestored > 0) {
        saysTotals = false;
        run.say("info", `${plural(totalFiles, "file or folder", "files and folders")} to restore`);
      }
      onProgress({
        filesDone: filesRestored,
        bytesDone: bytesRestored,
        filesTotal: totalFiles,
        bytesTotal: totalBytes,
      });
    },
  });
}

/** A lock keeps others from deleting what is being read. Where the server lets this machine only read, the restore goes on without one. */
async function lockIfAllowed(deps: OrderDeps, repository: Repository, run: JobRun): Promise<RepositoryLock> {
  const { isEngineError, lockRepository } = await import("@saveos/engine");
  const request = { ...lockOfJob(deps, run), exclusive: false, signal: run.signal };
  try {
    return await lockRepository(repository, request);
  } catch (error) {
    if (!isEngineError(error, "store-denied")) throw error;
    run.say("warning", "The repository may only be read: restoring without a lock");
    return await lockRepository(repository, { ...request, noLock: true });
  }
}

function endOf(result: RestoreResult, missing: number): JobEnd {
  const errors = result.problems + missing;
  const reasons = [
    ...(missing > 0 ? [`The snapshot does not have ${plural(missing, "path")} of those that were chosen`] : []),
    ...(result.problems > 0
      ? [
          `${plural(result.problems, "file or folder", "files and folders")} could not be restored: the machine's own log names them`,
        ]
      : []),
  ];
  return {
    outcome: errors > 0 ? "partial" : "completed",
    ...(errors > 0 ? { reason: reasons.join(". ") } : {}),
    summary: {
      total_files: result.totalFiles,
      files_restored: result.filesRestored,
      files_skipped: result.filesSkipped,
      total_bytes: result.totalBytes,
      bytes_restored: result.bytesRestored,
      bytes_skipped: result.bytesSkipped,
      errors,
    },
  };
}
