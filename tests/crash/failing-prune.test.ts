import { beforeAll, describe, expect, test } from "vitest";
import { type ObjectName, type ObjectStore, openRepository } from "@saveos/engine";
import { autoClock, type Faults, faultyStore, type StoreCall, testPassword } from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import { openQuickly, quickDeps, storeOf, unlockDead } from "../support/quick-engine.ts";
import { expectPruneFinishes, expectWhole, pruneAll, type PruneWorld, pruneWorld } from "./prune-world.ts";

let world: PruneWorld;
beforeAll(async () => (world = await pruneWorld()));

/** A prune of the world writes and deletes no more than this, or the test would run for ever. */
const callsMax = 100;
/** Every pack takes so long that indexes are written on the way. */
const packTakesMs = 45_000;

interface Attempt {
  readonly n: number;
  /** What the store holds afterwards. */
  readonly store: ObjectStore;
  readonly outcome: "failed" | "completed";
}

/** Fails at the first call, then at the second, and so on, until a prune comes through. */
async function* failAtEvery(faultsAt: (n: number) => Faults): AsyncGenerator<Attempt> {
  for (let n = 1; n <= callsMax; n++) {
    const store = await storeOf(world.objects);
    const clock = autoClock(BigInt(Date.now()) * 1_000_000n);
    const delay = (call: StoreCall, name: string) =>
      call === "put" && name.startsWith("data/") ? clock.sleep(packTakesMs) : undefined;
    const faulty = faultyStore(store, { ...faultsAt(n), delay });
    const outcome = await clearOutcome(async () =>
      pruneAll(await openRepository(quickDeps(faulty, clock), { password: testPassword })),
    );
    if ("error" in outcome) expect(outcome.error.code).toBe("store-unavailable");
    yield { n, store, outcome: "error" in outcome ? "failed" : "completed" };
    // The lock's own deletion may fail: then the prune has done its work all the same.
    if (!("error" in outcome) && n > 1) return;
  }
  expect.unreachable(`a prune makes fewer than ${callsMax} calls`);
}

const waysToFail: [string, (n: number) => Faults][] = [
  ["refuses the n-th write", (n) => ({ failures: [{ call: "put", nth: n }] })],
  ["loses the answer to the n-th write", (n) => ({ failures: [{ call: "put", nth: n, when: "after" }] })],
  ["refuses the n-th deletion", (n) => ({ failures: [{ call: "delete", nth: n }] })],
  ["loses the answer to the n-th deletion", (n) => ({ failures: [{ call: "delete", nth: n, when: "after" }] })],
  ["is gone after the n-th write or deletion", (n) => ({ failAfterWrites: n })],
  ["takes neither after the n-th write", (n) => ({ failAfterPuts: n })],
];

describe("a prune on a store that fails", () => {
  test.each(waysToFail)(
    "leaves every snapshot whole and the next prune finishes, when the store %s, for every n",
    async (_, faultsAt) => {
      let failed = 0;
      for await (const { store, outcome } of failAtEvery(faultsAt)) {
        if (outcome === "failed") failed += 1;
        await expectWhole(world, store);
        await expectPruneFinishes(world, store);
      }
      expect(failed).toBeGreaterThan(6);
    },
  );

  test("never leaves the store without an index of a pack that is needed", async () => {
    // At every single moment, as another program sees it that reads without a lock.
    const changes: [ObjectName, Uint8Array | undefined][] = [];
    const store = await storeOf(world.objects);
    const watched: ObjectStore = {
      ...store,
      put: async (name, bytes) => {
        changes.push([name, bytes.slice()]);
        await store.put(name, bytes);
      },
      delete: async (name) => {
        changes.push([name, undefined]);
        await store.delete(name);
      },
    };
    await pruneAll(await openQuickly(watched));
    expect(changes.length).toBeGreaterThan(20);
    const replayed = await storeOf(world.objects);
    for (const [name, bytes] of changes) {
      await (bytes ? replayed.put(name, bytes) : replayed.delete(name));
      if (!name.startsWith("locks/")) await expectWhole(world, replayed);
    }
  });

  test("keeps what it repacked before it was stopped", async () => {
    const planned = await pruneAll(await openQuickly(await storeOf(world.objects)), { dryRun: true });
    const repackedAgain: number[] = [];
    for await (const { store, outcome } of failAtEvery((n) => ({ failAfterWrites: n }))) {
      if (outcome === "completed") break;
      const repository = await openQuickly(store);
      await unlockDead(repository);
      const { stats } = await pruneAll(repository, { dryRun: true });
      repackedAgain.push(stats.packs.repack);
    }
    expect(repackedAgain[0]).toBe(planned.stats.packs.repack);
    expect(repackedAgain.at(-1)).toBe(0);
    // Some on the way: an index was written before the end.
    expect(repackedAgain.some((packs) => packs > 0 && packs < planned.stats.packs.repack)).toBe(true);
  });
});

describe("two prunes at once", () => {
  test("one does the work, the other says that the repository is locked", async () => {
    const store = await storeOf(world.objects);
    const programs = [await openQuickly(store), await openQuickly(store)];
    const both = await Promise.all(
      programs.map(async (program) => await clearOutcome(async () => await pruneAll(program))),
    );
    const failures = both.filter((outcome) => "error" in outcome);
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toMatchObject({ error: { code: "repository-locked" } });
    await expectWhole(world, store);
    await expectPruneFinishes(world, store);
  });

  test("the second waits for the first if it is told to", async () => {
    const store = await storeOf(world.objects);
    const first = await openQuickly(store);
    const inTheMiddle = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow: ObjectStore = {
      ...store,
      put: async (name, bytes) => {
        await store.put(name, bytes);
        if (!name.startsWith("data/")) return;
        inTheMiddle.resolve();
        await goOn.promise;
      },
    };
    const running = pruneAll({ ...first, store: slow });
    await inTheMiddle.promise;
    const waiting = pruneAll(await openQuickly(store), {
      lock: { hostname: "beta", username: "eve", pid: 1, retryLockMs: 3_600_000, onWaiting: () => goOn.resolve() },
    });
    expect((await running).stats.packs.repack).toBeGreaterThan(0);
    expect((await waiting).stats.packs).toMatchObject({ repack: 0, remove: 0 });
    await expectWhole(world, store);
  });
});
