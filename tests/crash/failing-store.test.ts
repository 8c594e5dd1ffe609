import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadIndex, type ObjectStore, openRepository, withRetry } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { autoClock, type Faults, faultyStore, type StoreCall, testPassword } from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import { describeWith } from "../support/missing-peers.ts";
import { objectsOf, openQuickly, quickDeps, storeOf, unlockDead } from "../support/quick-engine.ts";
import { resticOn } from "../support/restic.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { backUpAgain, type CrashWorld, crashWorld, expectNothingLost } from "./crash-world.ts";

let world: CrashWorld;
beforeAll(async () => (world = await crashWorld()));

/** A backup of the world writes no more than this, or the test would run for ever. */
const writesMax = 100;

/** Every pack takes so long that the index is written several times on the way. */
const packTakesMs = 45_000;

interface Attempt {
  /** What the store holds afterwards. */
  readonly store: ObjectStore;
  readonly outcome: "failed" | "completed";
}

/** A backup over a store with these faults. */
async function attemptBackup(faults: Faults): Promise<Attempt> {
  const store = await storeOf(world.objects);
  const clock = autoClock(BigInt(Date.now()) * 1_000_000n);
  const delay = (call: StoreCall, name: string) =>
    call === "put" && name.startsWith("data/") ? clock.sleep(packTakesMs) : undefined;
  const faulty = faultyStore(store, { ...faults, delay });
  const outcome = await clearOutcome(async () => {
    const repository = await openRepository(quickDeps(faulty, clock), { password: testPassword });
    return await backUpAgain(world, repository);
  });
  if (!("error" in outcome)) return { store, outcome: "completed" };
  expect(outcome.error.code).toBe("store-unavailable");
  return { store, outcome: "failed" };
}

/** Fails at the first write, then at the second, and so on, until a backup comes through. */
async function* failAtEveryWrite(faultsAt: (n: number) => Faults): AsyncGenerator<Attempt & { n: number }> {
  for (let n = 1; n <= writesMax; n++) {
    const attempt = await attemptBackup(faultsAt(n));
    yield { ...attempt, n };
    if (attempt.outcome === "completed") return;
  }
  expect.unreachable(`a backup makes fewer than ${writesMax} writes`);
}

const waysToFail: [string, (n: number) => Faults][] = [
  ["refuses the n-th write", (n) => ({ failures: [{ call: "put", nth: n }] })],
  ["loses the answer to the n-th write", (n) => ({ failures: [{ call: "put", nth: n, when: "after" }] })],
  ["is gone after the n-th write", (n) => ({ failAfterWrites: n })],
  ["takes no more writes after the n-th", (n) => ({ failAfterPuts: n })],
];

describe("a backup to a store that fails", () => {
  test.each(waysToFail)(
    "leaves the older snapshots whole and the next backup working, when the store %s, for every n",
    async (_, faultsAt) => {
      let failed = 0;
      for await (const { store, outcome } of failAtEveryWrite(faultsAt)) {
        if (outcome === "failed") failed += 1;
        await expectNothingLost(world, store);
      }
      // The lock, the packs, several indexes, the snapshot.
      expect(failed).toBeGreaterThan(10);
    },
  );

  test("keeps all it uploaded, indexed, so that the next backup sends only the rest", async () => {
    for await (const { store, outcome, n } of failAtEveryWrite((n) => ({ failures: [{ call: "put", nth: n }] }))) {
      if (outcome === "completed") return;
      const { unindexed, addedBytes } = await packsSince(store);
      expect({ n, unindexed }).toEqual({ n, unindexed: [] });
      const { summary } = await backUpAgain(world, await openQuickly(store));
      expect(addedBytes + summary.dataAddedPacked).toBe(world.addedBytes);
    }
  });

  test("killed after many packs, it finds again what an index named before", async () => {
    const { store } = await attemptBackup({ failAfterWrites: 12 });
    const { summary } = await expectNothingLost(world, store);
    // The last index was written after at most three packs more.
    expect(summary.dataAddedPacked).toBeLessThan(world.addedBytes * 0.6);
  });

  test("cancelled, it keeps all it uploaded, and leaves no lock", async () => {
    const store = await storeOf(world.objects);
    const cancel = new AbortController();
    let packs = 0;
    const delay = (call: StoreCall, name: string) => {
      if (call === "put" && name.startsWith("data/") && ++packs === 6) cancel.abort(new Error("enough"));
      return undefined;
    };
    const repository = await openRepository(quickDeps(faultyStore(store, { delay })), { password: testPassword });
    await expect(backUpAgain(world, repository, { signal: cancel.signal })).rejects.toThrow("enough");
    const objects = await objectsOf(store);
    expect([...objects.keys()].filter((name) => name.startsWith("locks/"))).toEqual([]);
    expect((await packsSince(store)).unindexed).toEqual([]);
    const { summary } = await expectNothingLost(world, store);
    expect(summary.dataAddedPacked).toBeLessThan(world.addedBytes * 0.7);
  });

  test("comes through when each write fails a few times and is tried again", async () => {
    const store = await storeOf(world.objects);
    const clock = autoClock(BigInt(Date.now()) * 1_000_000n);
    // Two of every three calls fail.
    const fails = (call: StoreCall) => Array.from({ length: 400 }, (_, i) => ({ call, nth: 3 * i + 1, times: 2 }));
    const failures = (["put", "get", "list", "delete", "size"] as const).flatMap(fails);
    const patient = withRetry(faultyStore(store, { failures }), { clock });
    const repository = await openRepository(quickDeps(patient, clock), { password: testPassword });
    await backUpAgain(world, repository);
    await expectNothingLost(world, store);
  });
});

describeWith(["restic"], "stock restic", () => {
  test("accepts what a run that broke off and the one after it left", async () => {
    await using temp = await tempFolder();
    for await (const { store, n } of failAtEveryWrite((n) => ({ failAfterWrites: n }))) {
      if (n % 5 !== 2) continue;
      const path = join(temp.path, `repository-${n}`);
      const restic = resticOn(path, testPassword);
      await unlockDead(await openQuickly(store));
      await storeOf(await objectsOf(store), folderStore(path));
      await restic("check", "--read-data");
      await expectNothingLost(world, folderStore(path));
      await restic("check", "--read-data");
    }
  });
});

/** The packs that came since the world's last snapshot: those that no index names, and the bytes of the blobs in the others. */
async function packsSince(store: ObjectStore): Promise<{ unindexed: string[]; addedBytes: number }> {
  const repository = await openQuickly(store);
  await loadIndex(repository);
  const unindexed = new Set([...(await objectsOf(store)).keys()].filter((name) => name.startsWith("data/")));
  let addedBytes = 0;
  for (const { pack, blobs } of repository.index.packs()) {
    unindexed.delete(`data/${pack}`);
    if (world.objects.has(`data/${pack}`)) continue;
    for (const { length } of blobs) addedBytes += length;
  }
  return { unindexed: [...unindexed], addedBytes };
}
