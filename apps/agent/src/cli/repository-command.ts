import type { LockOptions, Repository } from "@saveos/engine";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { homeOf } from "../enrolment/enrolled-machine.ts";
import { machineFacts } from "../host/facts.ts";
import { findPassword } from "../repository/find-password.ts";
import { findRepository, type RepositoryChoice } from "../repository/find-repository.ts";
import { connectStore, type ConnectedStore } from "../repository/connect-store.ts";
import { openWithCache } from "../repository/open-repository.ts";
import type { Invocation } from "./command-line.ts";

export interface OpenedForCommand extends AsyncDisposable {
  readonly repository: Repository;
  /** Who locks, and how patiently. */
  readonly lock: LockOptions;
}

export interface OpenOptions {
  /** Set false for a command that must see the store itself. */
  readonly useCache?: boolean;
}

/** Opens the repository that the command line means. Leave its scope to end the connection. */
export async function openForCommand(invocation: Invocation, options: OpenOptions = {}): Promise<OpenedForCommand> {
  const { world, global } = invocation;
  const choice = await findRepository(world, global);
  const password = async () =>
    choice.kind === "enrolled" ? choice.machine.secrets.repositoryPassword : await findPassword(world, global);
  return await openChosen(invocation, choice, password, options);
}

/** Opens a repository wherever it is. The password is asked for once its store is reached. */
export async function openChosen(
  { world, global, print }: Pick<Invocation, "world" | "global" | "print">,
  choice: RepositoryChoice,
  password: () => Promise<string>,
  { useCache = true }: OpenOptions = {},
): Promise<OpenedForCommand> {
  const connected = await connectForCommand({ world, global, print }, choice);
  try {
    const cacheFolder = global.cacheFolder ?? homeOf(world, global).cacheFolder;
    const repository = await openWithCache(world, connected.store, {
      password: await password(),
      keyHint: global.keyHint,
      cacheFolder: useCache && !global.noCache ? cacheFolder : undefined,
      cacheObjects: connected.isRemote,
      onCacheError: (message) => void print.warn(message),
      signal: world.signal,
    });
    await print.detail(1, `Opened repository ${repository.config.id.slice(0, 8)} at ${repository.store.label}`);
    return {
      repository,
      lock: lockOptions(global, print),
      [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
    };
  } catch (error) {
    await connected[Symbol.asyncDispose]();
    throw error;
  }
}

export async function connectForCommand(
  { world, global, print }: Pick<Invocation, "world" | "global" | "print">,
  choice: RepositoryChoice,
): Promise<ConnectedStore> {
  return await connectStore(world, choice, { ...global, onRetry: (message) => void print.warn(message) });
}

/** Whose lock it is, for others who meet it. */
export function lockOptions(
  { noLock, retryLockMs }: { readonly noLock: boolean; readonly retryLockMs: number },
  print: { info(line: string): Promise<void> },
): LockOptions {
  const { hostname, username, uid, gid } = machineFacts();
  return {
    noLock,
    retryLockMs,
    hostname,
    username,
    uid,
    gid,
    pid: process.pid,
    onWaiting: (message) => void print.info(message),
  };
}

/** Runs `work` with the repository open, under a shared lock, as every command that reads does. */
export async function withReadableRepository(
  invocation: Invocation,
  work: (repository: Repository, signal: AbortSignal) => Promise<ExitCode | void>,
  options: OpenOptions = {},
): Promise<ExitCode> {
  const { lockRepository } = await import("@saveos/engine");
  await using opened = await openForCommand(invocation, options);
  await using held = await lockRepository(opened.repository, {
    ...opened.lock,
    exclusive: false,
    signal: invocation.world.signal,
  });
  return (await work(opened.repository, held.signal)) ?? exitCode.done;
}
