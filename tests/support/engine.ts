import { hostname, userInfo } from "node:os";
import {
  backup,
  type BackupRequest,
  type BackupResult,
  type BackupTarget,
  initRepository,
  type LockOptions,
  noRules,
  type ObjectStore,
  openRepository,
  type Repository,
  type RepositoryDeps,
  restore,
  type RestoreRequest,
  type RestoreResult,
  findSnapshot,
  systemClock,
} from "@saveos/engine";
import { folderStore, nodeCompute, nodeSource, nodeTarget } from "@saveos/engine/node";
import { plainRestore } from "@saveos/engine/testing";

/** The engine on this machine, as the agent runs it. */
export const password = "geheim";

export const lock: LockOptions = { hostname: hostname(), username: userInfo().username, pid: process.pid };

export function depsOn(store: ObjectStore | string): RepositoryDeps {
  return {
    store: typeof store === "string" ? folderStore(store) : store,
    compute: nodeCompute(),
    clock: systemClock,
  };
}

export async function newRepository(store: ObjectStore | string): Promise<Repository> {
  return await initRepository(depsOn(store), { password, hostname: lock.hostname, username: lock.username });
}

export async function open(store: ObjectStore | string, withPassword = password): Promise<Repository> {
  return await openRepository(depsOn(store), { password: withPassword });
}

export function target(path: string): BackupTarget {
  return { given: path, absolute: path };
}

export async function backUp(
  repository: Repository,
  paths: readonly string[],
  request: Partial<BackupRequest> = {},
): Promise<BackupResult> {
  return await backup(repository, nodeSource(), {
    targets: paths.map(target),
    rules: noRules,
    excludesToRecord: [],
    tags: [],
    hostname: lock.hostname,
    username: lock.username,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    groupBy: { host: true, paths: true, tags: false },
    ignoreCtime: false,
    ignoreInode: false,
    withAtime: false,
    skipIfUnchanged: false,
    compression: "auto",
    programVersion: "saveos tests",
    lock,
    ...request,
  });
}

/** Restores `latest`, or another snapshot, into a folder, with every other setting at its plainest. */
export async function restoreTo(
  repository: Repository,
  path: string,
  { snapshot = "latest", ...request }: Partial<Omit<RestoreRequest, "snapshot">> & { snapshot?: string } = {},
): Promise<RestoreResult> {
  const found = await findSnapshot(repository, snapshot);
  await using target = nodeTarget(path);
  return await restore(repository, target, {
    ...found,
    ...plainRestore,
    lock,
    ...request,
  });
}
