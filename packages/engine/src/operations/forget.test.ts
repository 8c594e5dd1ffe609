import { beforeEach, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { objectName } from "../format/object-name.ts";
import { type ObjectId, parseObjectId } from "../format/ids.ts";
import { type Faults, faultyStore } from "../platform/testing/faulty-store.ts";
import { Forger } from "../platform/testing/forger.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { lockRepository, readLocks } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { forget } from "./forget.ts";
import type { ForgetPlan } from "./forget/forget-request.ts";
import { listSnapshots } from "./snapshots.ts";

const byHostAndPaths = { host: true, paths: true, tags: false };
let repository: Repository;
let forger: Forger;
/** Oldest first. */
let ids: ObjectId[];

beforeEach(async () => {
  repository = await newTestRepository();
  forger = new Forger(repository);
  const tree = forger.addTree([]);
  await forger.store();
  ids = [];
  for (let day = 1; day <= 9; day++)
    ids.push(
      await forger.snapshot(tree, {
        time: `2024-01-0${day}T10:00:00Z`,
        hostname: day % 3 === 0 ? "beta" : "alpha",
        tags: day === 2 ? ["keep"] : [],
      }),
    );
});

async function left(): Promise<string[]> {
  return (await listSnapshots(repository)).map(({ time }) => time.slice(8, 10));
}

/** The same repository over a store that fails as told. */
async function failing(faults: Faults): Promise<Repository> {
  return await reopened(repository, faultyStore(repository.store, faults));
}

const keepOne = { policy: { last: 1 }, groupBy: byHostAndPaths, lock: testLock };

test("a policy is applied to each group by itself, and what it does not keep is removed", async () => {
  const { groups, removed, failed } = await forget(repository, keepOne);
  expect(groups.map(({ hostname, keep, remove }) => [hostname, keep.length, remove.length])).toEqual([
    ["alpha", 1, 5],
    ["beta", 1, 2],
  ]);
  expect([removed.length, failed.length]).toEqual([7, 0]);
  expect(await left()).toEqual(["08", "09"]);
});

test("without groups all snapshots are one", async () => {
  await forget(repository, { ...keepOne, groupBy: { host: false, paths: false, tags: false } });
  expect(await left()).toEqual(["09"]);
});

test("snapshots that the filter does not choose stay, and don't count", async () => {
  await forget(repository, { ...keepOne, filter: { hosts: ["alpha"] } });
  expect(await left()).toEqual(["03", "06", "08", "09"]);
});

test("snapshots are removed by name, whatever they are; those that are gone already are told of", async () => {
  const gone = parseObjectId("0".repeat(64));
  const { removed, missing } = await forget(repository, {
    snapshotIds: [ids[0]!, gone, ids[8]!, ids[0]!],
    lock: testLock,
  });
  expect(removed.map(({ id }) => id)).toEqual([ids[0], ids[8]]);
  expect(missing).toEqual([gone]);
  expect(await left()).toEqual(["02", "03", "04", "05", "06", "07", "08"]);
});

test("a dry run says the same and removes nothing, and may go without a lock", async () => {
  const { groups, removed } = await forget(repository, { ...keepOne, dryRun: true });
  expect([groups.flatMap(({ remove }) => remove).length, removed.length]).toEqual([7, 0]);
  expect(await left()).toHaveLength(9);
  const store = faultyStore(repository.store, {});
  await forget(await reopened(repository, store), {
    ...keepOne,
    dryRun: true,
    lock: { ...testLock, noLock: true },
  });
  expect(store.calls).toMatchObject({ put: 0, delete: 0 });
});

test("the lock is exclusive, and held until everything is removed; without one nothing is", async () => {
  const exclusive: boolean[] = [];
  const store = faultyStore(repository.store, {
    delay: async (call, name) => {
      if (call !== "delete" || !name.startsWith("snapshots/")) return;
      for await (const { lock } of readLocks(repository)) exclusive.push(lock.exclusive);
    },
  });
  await forget(await reopened(repository, store), { ...keepOne, filter: { hosts: ["beta"] } });
  expect(exclusive).toEqual([true, true]);
  expect(await left()).toHaveLength(7);

  const { error } = await outcomeOf(forget(repository, { ...keepOne, lock: { ...testLock, noLock: true } }));
  expect(error?.code).toBe("invalid-input");
  await using _other = await lockRepository(repository, { ...testLock, exclusive: false });
  expect((await outcomeOf(forget(repository, keepOne))).error?.code).toBe("repository-locked");
  expect(await left()).toHaveLength(7);
});

test("two that lock at the same moment: nothing is removed before it is sure that there is no other", async () => {
  const { rivalled, settleSoon } = await racing();
  const { error } = await outcomeOf(forget(rivalled, { ...keepOne, onPlan: settleSoon }));
  expect(error?.code).toBe("repository-locked");
  expect(await left()).toHaveLength(9);
});

/** The repository on a store where another locks at the same moment, which shows only once the test lets the new lock settle. */
async function racing(): Promise<{ rivalled: Repository; settleSoon: () => void }> {
  const settled = Promise.withResolvers<void>();
  const rivals = new Forger(repository);
  const rival = { time: "2023-11-14T22:13:20Z", exclusive: true, hostname: "beta", username: "eve", pid: 7 };
  const delay = async (call: string, name: string) => {
    if (call === "put" && name.startsWith("locks/")) await rivals.json("locks", rival);
  };
  const { clock } = repository;
  const opened = await reopened(repository, faultyStore(repository.store, { delay }));
  const sleep: typeof clock.sleep = async (ms, options) =>
    ms < 1000 ? await settled.promise : await clock.sleep(ms, options);
  // Two turns later: who does not wait for it has written by then.
  const settleSoon = () => void setImmediate(() => setImmediate(settled.resolve));
  return { rivalled: { ...opened, clock: { ...clock, sleep } }, settleSoon };
}

test.each([
  ["no rule", { policy: {} }],
  ["rules that say nothing", { policy: { last: 0, counts: { daily: 0 } } }],
  ["rules that keep nothing of a group, though of another", { policy: { tagLists: [["keep"]] } }],
  ["a count that is none", { policy: { last: -1 } }],
  ["leave to remove all, without a filter", { policy: {}, allowRemoveAll: true }],
  ["leave to remove all, and a rule that keeps nothing", { policy: { tagLists: [["x"]] }, allowRemoveAll: true }],
])("%s: refused, and nothing is removed", async (_, choice) => {
  const { error } = await outcomeOf(forget(repository, { ...keepOne, ...choice }));
  expect(error?.code).toBe("invalid-input");
  expect(error?.hint).toMatch(/\.$/);
  expect(await left()).toHaveLength(9);
});

test("all that a filter chooses are removed without a policy when that is allowed", async () => {
  await forget(repository, { ...keepOne, policy: {}, allowRemoveAll: true, filter: { hosts: ["beta"] } });
  expect(await left()).toEqual(["01", "02", "04", "05", "07", "08"]);
});

test("the plan is told before anything is removed, and who throws there keeps everything", async () => {
  const plans: ForgetPlan[] = [];
  const onPlan = async (plan: ForgetPlan) => {
    plans.push(plan);
    expect(await left()).toHaveLength(9);
    throw new EngineError("aborted", "too many");
  };
  expect((await outcomeOf(forget(repository, { ...keepOne, onPlan }))).error?.message).toBe("too many");
  expect(plans[0]?.remove).toHaveLength(7);
  expect(await left()).toHaveLength(9);
});

test("what comes after the removal runs under the same lock, and only if all went", async () => {
  let locks = 0;
  let times = 0;
  const afterRemoval = async () => {
    times += 1;
    for await (const { lock } of readLocks(repository)) locks += lock.exclusive ? 1 : 100;
    expect(await left()).toHaveLength(2);
  };
  await forget(await failing({ failures: [{ call: "delete", nth: 3 }] }), { ...keepOne, afterRemoval });
  expect([times, await left()]).toEqual([0, expect.objectContaining({ length: 3 })]);
  await forget(repository, { ...keepOne, afterRemoval });
  await forget(repository, { ...keepOne, afterRemoval });
  expect([times, locks]).toEqual([1, 1]);
});

test("a listing that fails on the way removes nothing", async () => {
  const { store } = repository;
  const list: typeof store.list = async function* (kind, options) {
    let listed = 0;
    for await (const object of store.list(kind, options)) {
      if (kind === "snapshots" && ++listed > 5) throw new EngineError("store-unavailable", "gone");
      yield object;
    }
  };
  const broken = await reopened(repository, { ...store, list });
  expect((await outcomeOf(forget(broken, keepOne))).error?.code).toBe("store-unavailable");
  expect(await left()).toHaveLength(9);
});

test("an empty listing removes nothing", async () => {
  const { store } = repository;
  const list: typeof store.list = async function* (kind, options) {
    if (kind !== "snapshots") yield* store.list(kind, options);
  };
  const { groups, removed } = await forget(await reopened(repository, { ...store, list }), keepOne);
  expect([groups, removed]).toEqual([[], []]);
  expect(await left()).toHaveLength(9);
});

test("a snapshot that can't be had for now stops everything: it may be the one to keep", async () => {
  for (let nth = 1; nth <= 12; nth++) {
    const broken = faultyStore(repository.store, { failures: [{ call: "get", nth: nth + 2 }] });
    const { error } = await outcomeOf(
      reopened(repository, broken).then(async (opened) => await forget(opened, keepOne)),
    );
    if (!error) {
      expect(nth).toBeGreaterThan(9);
      return;
    }
    expect(error.code).toBe("store-unavailable");
    expect(await left()).toHaveLength(9);
  }
});

test("a damaged snapshot stays, does not count, and is told of", async () => {
  const name = objectName("snapshots", ids[7]!);
  const damaged = await failing({ damages: [{ name, how: "flip" }] });
  const unreadable: ObjectId[] = [];
  await forget(damaged, { ...keepOne, onUnreadable: (id) => unreadable.push(id) });
  expect(unreadable).toEqual([ids[7]]);
  // The newest that can be read is kept besides.
  expect(await left()).toEqual(["07", "08", "09"]);
  expect((await outcomeOf(forget(damaged, keepOne))).error?.code).toBe("corrupt-data");

  const named = await forget(damaged, {
    snapshotIds: [ids[7]!],
    lock: testLock,
    onUnreadable: (id) => unreadable.push(id),
  });
  expect([named.removed, unreadable.length]).toEqual([[], 2]);
  expect(await left()).toEqual(["07", "08", "09"]);
});

test("deletions that fail are told, and the others go on", async () => {
  const progress: { removed: number; failed: number; total: number }[] = [];
  const { removed, failed } = await forget(await failing({ failures: [{ call: "delete", nth: 2, times: 2 }] }), {
    ...keepOne,
    onProgress: (now) => progress.push(now),
  });
  expect(failed.map(({ error }) => error.code)).toEqual(["store-unavailable", "store-unavailable"]);
  expect(removed).toHaveLength(5);
  expect(progress.at(-1)).toEqual({ removed: 5, failed: 2, total: 7 });
  const stay = new Set(["08", "09", ...failed.map(({ snapshot }) => snapshot.time.slice(8, 10))]);
  expect(new Set(await left())).toEqual(stay);
});

test.each([undefined, new EngineError("store-denied", "The server lets nobody delete here")])(
  "a store that is gone, or lets nobody delete, is not asked for every one of ten thousand",
  async (error) => {
    await addOlder(60);
    const failures = [{ call: "delete" as const, nth: 1, times: Infinity, ...(error && { error }) }];
    const store = faultyStore(repository.store, { failures });
    const { failed, removed } = await forget(await reopened(repository, store), keepOne);
    expect([failed.length, removed.length]).toEqual([67, 0]);
    expect(store.calls.delete).toBeLessThan(50);
  },
);

test("a store that now and then refuses is asked for all", async () => {
  await addOlder(60);
  const failures = Array.from({ length: 40 }, (_, nr) => ({ call: "delete" as const, nth: 2 * nr + 1 }));
  const { failed, removed } = await forget(await failing({ failures }), keepOne);
  expect([failed.length, removed.length]).toEqual([34, 33]);
});

test("cancelled between two deletions it rejects, and what it did not come to stays", async () => {
  await addOlder(60);
  const cancel = new AbortController();
  const onProgress = () => cancel.abort(new EngineError("aborted", "enough"));
  const { error } = await outcomeOf(forget(repository, { ...keepOne, signal: cancel.signal, onProgress }));
  expect(error?.code).toBe("aborted");
  const stayed = await left();
  expect(stayed.slice(-2)).toEqual(["08", "09"]);
  expect(stayed.length).toBeGreaterThan(40);
});

async function addOlder(count: number): Promise<void> {
  const tree = forger.addTree([]);
  for (let minute = 0; minute < count; minute++)
    await forger.snapshot(tree, {
      time: `2023-01-01T10:${String(minute).padStart(2, "0")}:00Z`,
      hostname: "alpha",
    });
}

async function outcomeOf(run: Promise<unknown>): Promise<{ error?: EngineError }> {
  try {
    await run;
    return {};
  } catch (error) {
    if (error instanceof EngineError) return { error };
    throw error;
  }
}
