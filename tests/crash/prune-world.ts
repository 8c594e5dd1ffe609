import { expect } from "vitest";
import {
  type Finding,
  type ObjectName,
  type ObjectStore,
  prune,
  type PruneRequest,
  type PruneResult,
  type Repository,
} from "@saveos/engine";
import { backUp, memorySource, testLock } from "@saveos/engine/testing";
import {
  findings,
  newQuickRepository,
  objectsOf,
  openQuickly,
  type Restored,
  restoredWhole,
  unlockDead,
} from "../support/quick-engine.ts";
import { noise } from "../support/sample-tree.ts";

/** So small that a few files fill a pack. */
const packSizeBytes = 40_000;

/** A repository from which a snapshot was forgotten: some packs hold nothing that is needed, some hold both, some are left over. */
export interface PruneWorld {
  readonly objects: ReadonlyMap<ObjectName, Uint8Array>;
  readonly kept: readonly { readonly id: string; readonly files: Restored }[];
}

export async function pruneWorld(): Promise<PruneWorld> {
  const source = memorySource({ home: { "notes.txt": "first" } });
  const repository = await newQuickRepository();
  const ids: string[] = [];
  for (let round = 0; round < 4; round++) {
    // A third of the files change each time, so that most packs are used in part.
    for (let i = 0; i < 27; i++)
      if (round === 0 || (i + round) % 3 === 0) source.put(`/home/${i % 5}/${i}`, noise(11_000 + i, 100 * round + i));
    const { snapshotId } = await backUp(repository, source, { packSizeBytes });
    ids.push(snapshotId ?? expect.unreachable("a backup makes a snapshot"));
  }
  const kept = await Promise.all(
    [ids[1], ids[3]].map(async (id = "") => ({ id, files: await restoredWhole(repository, id) })),
  );
  for (const id of [ids[0], ids[2]]) await repository.store.delete(`snapshots/${id}` as ObjectName);
  await repository.store.put(`data/${"ab".repeat(32)}` as ObjectName, noise(1000, 1));
  return { objects: await objectsOf(repository.store), kept };
}

/** Nothing unused may stay. */
export async function pruneAll(repository: Repository, request: Partial<PruneRequest> = {}): Promise<PruneResult> {
  return await prune(repository, {
    lock: testLock,
    compression: "auto",
    packSizeBytes,
    smallPackBytes: 1,
    maxUnused: { kind: "bytes", bytes: 0 },
    ...request,
  });
}

/** Every snapshot is whole, and nothing worse than something left over is in the repository. */
export async function expectWhole(world: PruneWorld, store: ObjectStore): Promise<void> {
  const found = await expectRestorable(world, store);
  expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
}

/** The next prune finishes what was begun: nothing is left over, nothing unused. */
export async function expectPruneFinishes(world: PruneWorld, store: ObjectStore): Promise<void> {
  await pruneAll(await openQuickly(store));
  expect(await expectRestorable(world, store)).toEqual([]);
  const { stats } = await pruneAll(await openQuickly(store), { dryRun: true });
  expect(stats.packs).toMatchObject({ repack: 0, remove: 0, unreferenced: 0 });
}

async function expectRestorable({ kept }: PruneWorld, store: ObjectStore): Promise<Finding[]> {
  const repository = await openQuickly(store);
  await unlockDead(repository);
  for (const { id, files } of kept) expect(await restoredWhole(repository, id)).toEqual(files);
  return await findings(repository);
}
