import { beforeAll, describe, expect, test } from "vitest";
import {
  loadIndex,
  type ObjectId,
  type ObjectName,
  type ObjectStore,
  openRepository,
  repairIndex,
  repairPacks,
  repairSnapshots,
  type Repository,
} from "@saveos/engine";
import { type Faults, faultyStore, testLock, testPassword } from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import { findings, objectsOf, openQuickly, quickDeps, restored, storeOf, unlockDead } from "../support/quick-engine.ts";
import { pruneWorld } from "./prune-world.ts";

/** A repair of the world makes fewer calls, or the test would run for ever. */
const callsMax = 100;

type Objects = ReadonlyMap<ObjectName, Uint8Array>;

/** A repository in which something is damaged: the packs with these ids, or whatever else. */
interface DamagedWorld {
  readonly objects: Objects;
  readonly packs: readonly ObjectId[];
}

interface Damage {
  readonly name: string;
  readonly damage: (objects: Objects) => Promise<DamagedWorld>;
  readonly repair: (repository: Repository, damaged: DamagedWorld) => Promise<unknown>;
}

const damages: Damage[] = [
  {
    name: "the index",
    damage: async (objects) => {
      const [gone, flippedOne] = [...objects.keys()].filter((name) => name.startsWith("index/"));
      const damaged = new Map(objects);
      if (gone) damaged.delete(gone);
      if (flippedOne) flip(damaged, flippedOne, 40);
      return await Promise.resolve({ objects: damaged, packs: [] });
    },
    repair: async (repository) => await repairIndex(repository, { lock: testLock }),
  },
  { name: "packs", damage: damagePacks, repair: repairThose },
  {
    name: "snapshots",
    damage: async (objects) => {
      const damaged = await damagePacks(objects);
      const store = await storeOf(damaged.objects);
      await repairThose(await openQuickly(store), damaged);
      return { ...damaged, objects: await objectsOf(store) };
    },
    repair: async (repository) =>
      await repairSnapshots(repository, { lock: testLock, compression: "auto", forget: true }),
  },
];

describe.each(damages)("a repair of $name on a store that fails", ({ damage, repair }) => {
  let damaged: DamagedWorld;
  /** What each snapshot gives back once it is repaired. */
  let whole: Awaited<ReturnType<typeof stateOf>>;

  beforeAll(async () => {
    damaged = await damage((await pruneWorld()).objects);
    const store = await storeOf(damaged.objects);
    await repair(await openQuickly(store), damaged);
    whole = await stateOf(store);
  });

  test.each<[string, (n: number) => Faults]>([
    ["refuses the n-th write", (n) => ({ failures: [{ call: "put", nth: n }] })],
    ["refuses the n-th deletion", (n) => ({ failures: [{ call: "delete", nth: n }] })],
    ["is gone after the n-th write or deletion", (n) => ({ failAfterWrites: n })],
  ])("may be stopped: the next one comes to the same end, when the store %s, for every n", async (_, faultsAt) => {
    let failed = 0;
    for (let n = 1; ; n++) {
      expect(n).toBeLessThan(callsMax);
      const store = await storeOf(damaged.objects);
      const outcome = await clearOutcome(async () => await attempt(faultyStore(store, faultsAt(n))));
      if ("error" in outcome) failed += 1;
      await unlockDead(await openQuickly(store));
      await repair(await openQuickly(store), damaged);
      expect(await stateOf(store)).toEqual(whole);
      if (!("error" in outcome) && n > 2) break;
    }
    expect(failed).toBeGreaterThan(0);
  });

  async function attempt(store: ObjectStore): Promise<void> {
    await repair(await openRepository(quickDeps(store), { password: testPassword }), damaged);
  }
});

/** What comes back of all snapshots, and what check says of it. */
async function stateOf(store: ObjectStore) {
  const repository = await openQuickly(store);
  const snapshots = [];
  for await (const { id } of repository.store.list("snapshots")) snapshots.push((await restored(repository, id)).files);
  const found = (await findings(repository)).filter(({ severity }) => severity === "error");
  const messages = found.map(({ message }) => message.replaceAll(/[0-9a-f]{8,}/g, "#")).toSorted();
  return { snapshots: snapshots.map((files) => JSON.stringify(files)).toSorted(), messages };
}

/** In one pack of data a blob is damaged, of another the end is gone, and one of trees is damaged. */
async function damagePacks(objects: Objects): Promise<DamagedWorld> {
  const repository = await openQuickly(await storeOf(objects));
  await loadIndex(repository);
  const packs = [...repository.index.packs()];
  const ofData = packs.filter(({ blobs, sizeBytes }) => blobs[0]?.type === "data" && sizeBytes > 20_000);
  const ofTrees = packs.filter(({ blobs }) => blobs[0]?.type === "tree");
  const chosen = [...ofData.slice(0, 2), ...ofTrees.slice(0, 1)].map(({ pack }) => pack);
  const [first, second, tree] = chosen.map((id) => `data/${id}` as const);
  const damaged = new Map(objects);
  if (first) flip(damaged, first, 12_000);
  if (second) damaged.set(second, damaged.get(second)?.slice(0, 15_000) ?? new Uint8Array());
  if (tree) flip(damaged, tree, 30);
  return { objects: damaged, packs: chosen };
}

/** Those that are there still: what an earlier run has done is done. */
async function repairThose(repository: Repository, { packs }: DamagedWorld): Promise<void> {
  const present: ObjectId[] = [];
  for await (const { id } of repository.store.list("data")) if (packs.includes(id)) present.push(id);
  if (present.length > 0) await repairPacks(repository, { lock: testLock, compression: "auto", packs: present });
}

function flip(objects: Map<ObjectName, Uint8Array>, name: ObjectName, at: number): void {
  const bytes = objects.get(name) ?? new Uint8Array();
  objects.set(name, bytes.with(at, (bytes[at] ?? 0) ^ 1));
}
