import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { ObjectId } from "../format/ids.ts";
import { decodeLock, encodeLock, type Lock } from "../format/lock.ts";
import { objectName } from "../format/object-name.ts";
import { formatTime, localZone, parseTime } from "../format/time.ts";
import type { Repository } from "./repository.ts";
import { loadUnpacked, saveUnpacked } from "./unpacked-files.ts";

const nsPerMs = 1_000_000n;
const minuteMs = 60_000;

/** How often a lock is written anew, so that others see its owner is alive. Restic's own figure. */
export const lockRefreshMs = 5 * minuteMs;
/** From this age on a lock counts as left behind, and `unlock` removes it. Restic's own figure. */
export const lockStaleMs = 30 * minuteMs;
/** Without a refresh for so long nothing may be written: others may soon take the lock for stale. Restic's own figure, 30 − 1.5 · 5 minutes. */
const writesFrozenMs = lockStaleMs - 1.5 * lockRefreshMs;
/** Two processes that locked at the same moment see each other after this. Restic's own figure. */
const settleMs = 200;
/** How long removing a lock may take where the store is gone: less when the operation was cancelled, because somebody waits for its end. */
const removalMaxMs = { afterWork: minuteMs, afterCancellation: 5_000 };
const retryFirstMs = 5_000;
const retryMaxMs = 60_000;

/** Who locks, and how patiently. Passed in, because the portable core knows no process and no host. */
export interface LockOptions {
  /** Work without a lock: for repositories that can't be written, when nothing else writes to them. */
  readonly noLock?: boolean | undefined;
  /** How long to go on trying while another holds a conflicting lock; 0 or left out: fail at once. */
  readonly retryLockMs?: number | undefined;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Called with the sentence to show while waiting for another's lock. */
  readonly onWaiting?: ((message: string) => void) | undefined;
}

/** A lock that is held. Leaving its scope (`await using`) removes it. */
export interface RepositoryLock extends AsyncDisposable {
  /** Aborts, with an `EngineError` as its reason, when the lock is lost, and when the caller's own signal does. */
  readonly signal: AbortSignal;
  /**
   * Resolves when writing is safe; call it before each write. Rejects when the lock is lost: to somebody who locked at the same moment, or after a long
   * sleep of the machine.
   */
  ensureFresh(): Promise<void>;
  /** Whether writing is safe at this moment, without asking anybody; the caller's signal doesn't matter to this. */
  readonly isFresh: boolean;
}

interface LockRequest extends LockOptions, Abortable {
  readonly exclusive: boolean;
}

/**
 * Takes a real restic lock (restic design.rst, "Locks"), refreshed in the background until it is disposed.
 * Rejects with `repository-locked` if another holds a conflicting one: any lock conflicts with an exclusive one.
 *
 * Reading may begin at once, while those that locked at the same moment come to see each other: then the signal aborts, with `repository-locked` as
 * well. Writing waits for that (`ensureFresh`), and so does this function for callers that are ready to wait for others' locks.
 */
export async function lockRepository(repository: Repository, request: LockRequest): Promise<RepositoryLock> {
  if (request.noLock) return noLock(request.signal);
  let waitMs = retryFirstMs;
  const giveUpNs = repository.clock.nowNs() + BigInt(Math.round(request.retryLockMs ?? 0)) * nsPerMs;
  for (;;) {
    try {
      return await acquire(repository, request);
    } catch (error) {
      const leftMs = Number((giveUpNs - repository.clock.nowNs()) / nsPerMs);
      if (!isEngineError(error, "repository-locked") || leftMs <= 0) throw error;
      request.onWaiting?.(`${error.message}; waiting for it`);
      await repository.clock.sleep(Math.min(waitMs, leftMs), request);
      waitMs = Math.min(waitMs * 2, retryMaxMs);
    }
  }
}

/**
 * The exclusive lock that an operation runs under: one that its caller holds already, and keeps when the scope is left, or a new one. A lock that is
 * handed on spares the moment between two operations in which somebody else might come. Rejects as `lockRepository` does, and with `invalid-input` for `noLock`
 * unless it is a dry run.
 */
export async function exclusiveLock(
  repository: Repository,
  lock: LockOptions | RepositoryLock,
  { signal, dryRun }: Abortable & { readonly dryRun?: boolean | undefined },
): Promise<RepositoryLock> {
  if (!isHeld(lock) && lock.noLock && !dryRun)
    throw new EngineError(
      "invalid-input",
      "Without a lock this would take data from under a running backup: only a dry run may go without",
    );
  if (!isHeld(lock)) return await lockRepository(repository, { ...lock, exclusive: true, signal });
  return {
    signal: signal ? AbortSignal.any([signal, lock.signal]) : lock.signal,
    get isFresh() {
      return lock.isFresh;
    },
    ensureFresh: async () => {
      signal?.throwIfAborted();
      await lock.ensureFresh();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function isHeld(lock: LockOptions | RepositoryLock): lock is RepositoryLock {
  return "ensureFresh" in lock;
}

async function acquire(repository: Repository, request: LockRequest): Promise<RepositoryLock> {
  await requireNoConflict(repository, request);
  const held = new HeldLock(repository, request);
  await held.write();
  held.beginSettling();
  if (!request.retryLockMs) return held;
  try {
    await held.ensureFresh();
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
  return held;
}

async function requireNoConflict(
  repository: Repository,
  { exclusive, signal }: Abortable & { readonly exclusive: boolean },
  ownId?: ObjectId,
): Promise<void> {
  for await (const { id, lock } of readLocks(repository, { signal })) {
    if (id === ownId || (!exclusive && !lock.exclusive)) continue;
    const kind = lock.exclusive ? "exclusively " : "";
    throw new EngineError(
      "repository-locked",
      `The repository is ${kind}locked by process ${lock.pid} on ${lock.hostname} by ${lock.username || "an unknown user"} since ${lock.time}`,
      { hint: "If that program is no longer running, `unlock` removes locks that were left behind." },
    );
  }
}

/** Every lock of the repository. Empty files are passed over: they are left by a full disk, and lock nothing. An unreadable lock rejects. */
export async function* readLocks(
  repository: Repository,
  options: Abortable = {},
): AsyncGenerator<{ id: ObjectId; lock: Lock }> {
  for await (const { id, sizeBytes } of repository.store.list("locks", options)) {
    if (sizeBytes === 0) continue;
    try {
      yield { id, lock: decodeLock(await loadUnpacked(repository, "locks", id, options)) };
    } catch (error) {
      // Its owner removed it between the listing and the reading.
      if (isEngineError(error, "not-found")) continue;
      if (!isEngineError(error, "corrupt-data", "unsupported")) throw error;
      throw new EngineError(error.code, `The lock locks/${id} can't be read: ${error.message}`, {
        cause: error,
        hint: "If no other program works on the repository, `unlock --remove-all` removes it.",
      });
    }
  }
}

/** Whether a lock was left behind: too old, or of a process on this host that is gone. */
export function isStale(
  lock: Lock,
  {
    nowNs,
    hostname,
    isProcessGone,
  }: { nowNs: bigint; hostname: string; isProcessGone?: ((pid: number) => boolean) | undefined },
): boolean {
  if (nowNs - parseTime(lock.time) > BigInt(lockStaleMs) * nsPerMs) return true;
  return lock.hostname === hostname && (isProcessGone?.(lock.pid) ?? false);
}

class HeldLock implements RepositoryLock {
  readonly signal: AbortSignal;
  readonly #repository: Repository;
  readonly #request: LockRequest;
  readonly #lost = new AbortController();
  readonly #released = new AbortController();
  #id: ObjectId | undefined;
  #settling: Promise<void> = Promise.resolve();
  #isSettled = false;
  #refreshedNs = 0n;
  #refreshing: Promise<void> | undefined;
  #background: Promise<void> | undefined;

  constructor(repository: Repository, request: LockRequest) {
    this.#repository = repository;
    this.#request = request;
    this.signal = request.signal ? AbortSignal.any([request.signal, this.#lost.signal]) : this.#lost.signal;
  }

  get isFresh(): boolean {
    return this.#isSettled && this.#id !== undefined && this.#ageMs() < writesFrozenMs;
  }

  async write(): Promise<void> {
    const { exclusive, hostname, username, pid, uid = 0, gid = 0 } = this.#request;
    const nowNs = this.#repository.clock.nowNs();
    const lock = { time: formatTime(nowNs, localZone), exclusive, hostname, username, pid, uid, gid };
    this.#id = await saveUnpacked(this.#repository, "locks", encodeLock(lock));
    this.#refreshedNs = nowNs;
  }

  /** In a moment it is certain that nobody locked at the same time; from then on the lock is kept fresh. */
  beginSettling(): void {
    this.#settling = this.#settle();
    // Whoever needs to know asks `ensureFresh`, or hears it by the signal.
    this.#settling.catch(() => undefined);
  }

  async ensureFresh(): Promise<void> {
    this.signal.throwIfAborted();
    await this.#settling;
    if (this.#ageMs() >= writesFrozenMs) await this.#refresh();
    this.signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#released.abort();
    await this.#settling.catch(() => undefined);
    await this.#background;
    await this.#refreshing?.catch(() => undefined);
    // The caller's signal may have ended the operation, but the lock must go all the same; a store that is gone leaves it to go stale.
    if (this.#id) await this.#delete(this.#id);
  }

  async #settle(): Promise<void> {
    const signal = AbortSignal.any([this.#released.signal, this.signal]);
    try {
      await this.#repository.clock.sleep(settleMs, { signal });
      await requireNoConflict(this.#repository, { exclusive: this.#request.exclusive, signal }, this.#id);
    } catch (error) {
      if (!this.#released.signal.aborted) await this.#lose(error);
      throw error;
    }
    this.#isSettled = true;
    this.#background = this.#refreshUntilReleased();
  }

  async #refreshUntilReleased(): Promise<void> {
    const signal = AbortSignal.any([this.#released.signal, this.#lost.signal]);
    while (!signal.aborted) {
      try {
        await this.#repository.clock.sleep(lockRefreshMs, { signal });
        await this.#refresh();
      } catch {
        // Released, lost (said through `signal`), or the store failed for now: the next round tries again while there is time.
      }
    }
  }

  /** One refresh at a time, whoever asks for it. */
  async #refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshOnce().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  async #refreshOnce(): Promise<void> {
    const oldId = this.#id;
    if (!oldId || this.#lost.signal.aborted) return;
    const wasFrozen = this.#ageMs() >= writesFrozenMs;
    try {
      if (wasFrozen) await this.#requirePresent(oldId);
      await this.write();
      if (wasFrozen) {
        await this.#repository.clock.sleep(settleMs);
        await this.#requirePresent(oldId);
      }
    } catch (error) {
      if (isEngineError(error, "aborted")) await this.#lose(error);
      throw error;
    }
    await this.#delete(oldId);
  }

  /** After so long somebody may have removed the lock as stale and changed the repository: then nothing may go on. */
  async #requirePresent(id: ObjectId): Promise<void> {
    try {
      await this.#repository.store.size(objectName("locks", id));
    } catch (error) {
      if (!isEngineError(error, "not-found")) throw error;
      throw new EngineError(
        "aborted",
        "The lock on the repository was removed by somebody else while this machine was away",
        {
          cause: error,
          hint: "Run it again: what is already stored is found and not sent twice.",
        },
      );
    }
  }

  async #lose(reason: unknown): Promise<void> {
    if (this.#id) await this.#delete(this.#id);
    this.#id = undefined;
    this.#lost.abort(reason);
  }

  async #delete(id: ObjectId): Promise<void> {
    const { afterWork, afterCancellation } = removalMaxMs;
    // Not bound to the caller's signal itself: the lock must go also after a cancellation.
    const signal = AbortSignal.timeout(this.#request.signal?.aborted === true ? afterCancellation : afterWork);
    try {
      await this.#repository.store.delete(objectName("locks", id), { signal });
    } catch {
      // It will be stale in half an hour; failing an operation that is done for this would be worse.
    }
  }

  #ageMs(): number {
    return Number((this.#repository.clock.nowNs() - this.#refreshedNs) / nsPerMs);
  }
}

function noLock(signal: AbortSignal | undefined): RepositoryLock {
  return {
    signal: signal ?? new AbortController().signal,
    isFresh: true,
    ensureFresh: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
