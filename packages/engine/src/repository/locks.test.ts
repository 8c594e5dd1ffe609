import { beforeEach, expect, test } from "vitest";
import { parseObjectId } from "../format/ids.ts";
import { initRepository } from "../operations/init.ts";
import { unlock } from "../operations/unlock.ts";
import { autoClock } from "../platform/testing/auto-clock.ts";
import { ManualClock, settled } from "../platform/testing/manual-clock.ts";
import { quickCompute } from "../platform/testing/quick-compute.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { type LockOptions, lockRepository, readLocks, type RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";

const minuteMs = 60_000;
const me: LockOptions = { hostname: "alpha", username: "ada", pid: 100 };
const other: LockOptions = { hostname: "beta", username: "bob", pid: 200 };

let store: ObjectStore;
let clock: ManualClock;
let repository: Repository;

beforeEach(async () => {
  store = memoryStore();
  const made = await initRepository(
    { store, compute: quickCompute, clock: autoClock() },
    { password: "geheim", hostname: "alpha", username: "ada" },
  );
  clock = new ManualClock();
  repository = { ...made, clock };
});

test("two shared locks live side by side", async () => {
  await using _first = await lock(me, { exclusive: false });
  await using _second = await lock(other, { exclusive: false });
  expect(await lockOwners()).toEqual(["alpha", "beta"]);
});

test("an exclusive lock keeps everybody else out, and says who holds it", async () => {
  await using _held = await lock(me, { exclusive: true });
  await expect(lock(other, { exclusive: false })).rejects.toMatchObject({
    code: "repository-locked",
    message: expect.stringContaining("process 100 on alpha by ada"),
  });
});

test("a shared lock keeps an exclusive one out", async () => {
  await using _held = await lock(me, { exclusive: false });
  await expect(lock(other, { exclusive: true })).rejects.toMatchObject({ code: "repository-locked" });
});

test("a lock that is refused leaves nothing behind", async () => {
  await using _held = await lock(me, { exclusive: true });
  await expect(lock(other, { exclusive: true })).rejects.toThrow();
  expect(await lockOwners()).toEqual(["alpha"]);
});

test("of two that lock exclusively at the same moment at most one may write", async () => {
  const held = await lockAtOnce({ exclusive: true });
  const writing = Promise.allSettled(held.map((each) => each.ensureFresh()));
  await clock.advance(200);
  expect((await writing).filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
  for (const each of held) await each[Symbol.asyncDispose]();
});

test("who reads already is told by the signal that another locked at the same moment, and leaves no lock", async () => {
  const [reader, writer] = await lockAtOnce({ exclusive: true });
  expect(reader?.signal.aborted).toBe(false);
  await clock.advance(200);
  expect(reader?.signal.reason).toMatchObject({ code: "repository-locked" });
  await writer?.[Symbol.asyncDispose]();
  expect(await lockOwners()).toEqual([]);
});

test("writing waits until those that locked at the same moment would be seen", async () => {
  await using held = await lockRepository(repository, { ...me, exclusive: false });
  expect(held.isFresh).toBe(false);
  let isFresh = false;
  const writing = held.ensureFresh().then(() => (isFresh = true));
  await clock.advance(199);
  expect(isFresh).toBe(false);
  await clock.advance(1);
  await writing;
  expect(held.isFresh).toBe(true);
});

test("a lock may be left before it is settled", async () => {
  {
    await using _held = await lockRepository(repository, { ...me, exclusive: false });
  }
  expect(await lockOwners()).toEqual([]);
});

test("leaving the scope removes the lock", async () => {
  {
    await using _held = await lock(me, { exclusive: true });
  }
  expect(await lockOwners()).toEqual([]);
});

test("a lock is written anew every five minutes, and the old file goes", async () => {
  await using _held = await lock(me, { exclusive: true });
  const [before] = await lockIds();
  await clock.advance(5 * minuteMs);
  const after = await lockIds();
  expect(after).toHaveLength(1);
  expect(after[0]).not.toBe(before);
});

test("a lock that others removed during a long sleep is lost, and nothing may be written any more", async () => {
  await using held = await lock(me, { exclusive: false });
  for (const id of await lockIds()) await store.delete(`locks/${parseObjectId(id)}`);
  await clock.advance(3 * 24 * 60 * minuteMs);
  expect(held.signal.aborted).toBe(true);
  expect(held.isFresh).toBe(false);
  await expect(held.ensureFresh()).rejects.toMatchObject({ code: "aborted" });
  expect(await lockOwners()).toEqual([]);
});

test("a lock that is still there after a long sleep is refreshed before anything is written", async () => {
  const sleepy = new SleepyClock();
  repository = { ...repository, clock: sleepy };
  await using held = await lockRepository(repository, { ...me, exclusive: false });
  sleepy.jump(60 * minuteMs);
  expect(held.isFresh).toBe(false);
  await held.ensureFresh();
  expect(held.isFresh).toBe(true);
  expect(held.signal.aborted).toBe(false);
});

test("a caller may wait for a lock, and gets it when the other lets go", async () => {
  const held = await lock(me, { exclusive: true });
  const messages: string[] = [];
  const waiting = lockRepository(repository, {
    ...other,
    exclusive: false,
    retryLockMs: 10 * minuteMs,
    onWaiting: (message) => messages.push(message),
  });
  await settled();
  await held[Symbol.asyncDispose]();
  await clock.advance(5_000);
  await clock.advance(200);
  await using _got = await waiting;
  expect(messages).toHaveLength(1);
  expect(await lockOwners()).toEqual(["beta"]);
});

test("an empty lock file, as a full disk leaves it, locks nothing", async () => {
  await store.put("locks/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as never, new Uint8Array());
  await using _held = await lock(me, { exclusive: true });
  expect(await lockOwners()).toEqual(["alpha"]);
});

test("unlock removes a lock that is older than half an hour, and leaves a younger one", async () => {
  await using _old = await lock(other, { exclusive: false });
  repository = { ...repository, clock: new ManualClock(clock.nowNs() + 31n * 60n * 1_000_000_000n) };
  clock = repository.clock as ManualClock;
  await using _young = await lock(me, { exclusive: false });
  expect(await unlock(repository, { removeAll: false, hostname: "alpha" })).toBe(1);
  expect(await lockOwners()).toEqual(["alpha"]);
});

test("unlock removes the lock of a process on this host that is gone, and no other host's", async () => {
  await using _gone = await lock(me, { exclusive: false });
  await using _elsewhere = await lock(other, { exclusive: false });
  expect(await unlock(repository, { removeAll: false, hostname: "alpha", isProcessGone: () => true })).toBe(1);
  expect(await lockOwners()).toEqual(["beta"]);
});

test("unlock removes all locks when told so", async () => {
  await using _mine = await lock(me, { exclusive: false });
  await using _theirs = await lock(other, { exclusive: false });
  expect(await unlock(repository, { removeAll: true, hostname: "alpha" })).toBe(2);
  expect(await lockOwners()).toEqual([]);
});

/** Takes a lock and lets the 200 ms pass in which two could meet. */
async function lock(options: LockOptions, { exclusive }: { exclusive: boolean }): Promise<RepositoryLock> {
  const held = await lockRepository(repository, { ...options, exclusive });
  await clock.advance(200);
  return held;
}

/** Neither sees the other's lock before it writes its own. */
async function lockAtOnce(wanted: { exclusive: boolean }): Promise<RepositoryLock[]> {
  return await Promise.all([me, other].map((options) => lockRepository(repository, { ...options, ...wanted })));
}

async function lockIds(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list("locks")) ids.push(id);
  return ids;
}

async function lockOwners(): Promise<string[]> {
  const owners: string[] = [];
  for await (const { lock: found } of readLocks(repository)) owners.push(found.hostname);
  return owners.sort();
}

/** A machine that sleeps: its timers don't fire meanwhile, but the time has gone on when it wakes. */
class SleepyClock {
  #clock = autoClock();
  #jumpedNs = 0n;

  nowNs(): bigint {
    return this.#clock.nowNs() + this.#jumpedNs;
  }

  async sleep(ms: number, options = {}): Promise<void> {
    await this.#clock.sleep(ms, options);
  }

  jump(ms: number): void {
    this.#jumpedNs += BigInt(ms) * 1_000_000n;
  }
}
