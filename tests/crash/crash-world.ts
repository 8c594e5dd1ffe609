import { expect } from "vitest";
import type { BackupRequest, BackupResult, ObjectName, ObjectStore, Repository } from "@saveos/engine";
import { backUp, type MemorySource, memorySource, type MemoryTree, symlink } from "@saveos/engine/testing";
import {
  errorsFound,
  newQuickRepository,
  objectsOf,
  openQuickly,
  type Restored,
  restoredWhole,
  unlockDead,
} from "../support/quick-engine.ts";
import { noise, prose } from "../support/sample-tree.ts";

/** So small that a backup of a megabyte makes a dozen packs. */
export const packSizeBytes = 80_000;

/** A repository with two snapshots, and a source that has changed much since. */
export interface CrashWorld {
  readonly objects: ReadonlyMap<ObjectName, Uint8Array>;
  readonly source: MemorySource;
  readonly older: readonly { readonly id: string; readonly files: Restored }[];
  /** What the next backup must bring back. */
  readonly now: Restored;
  /** What the next backup stores, if nothing of it is there. */
  readonly addedBytes: number;
}

export async function crashWorld(): Promise<CrashWorld> {
  const source = memorySource({ home: firstFiles() });
  const repository = await newQuickRepository();
  const older: { id: string; files: Restored }[] = [];
  const backUpAndRemember = async (on: Repository) => {
    const { snapshotId, summary } = await backUp(on, source, { packSizeBytes });
    const id = snapshotId ?? expect.unreachable("a backup makes a snapshot");
    return { id, files: await restoredWhole(on, id), addedBytes: summary.dataAddedPacked };
  };
  older.push(await backUpAndRemember(repository));
  source.put("/home/notes.txt", "changed since the first backup");
  older.push(await backUpAndRemember(repository));
  const objects = await objectsOf(repository.store);
  for (let i = 0; i < 12; i++) source.put(`/home/new/${i % 3}/${i}.bin`, noise(50_000 + i, 100 + i));
  source.put("/home/notes.txt", prose(30_000, 5));
  source.remove("/home/photos/3.jpg");
  const { files: now, addedBytes } = await backUpAndRemember(repository);
  return { objects, source, older, now, addedBytes };
}

function firstFiles(): MemoryTree {
  const photos = Object.fromEntries([1, 2, 3, 4].map((i) => [`${i}.jpg`, noise(60_000, i)]));
  return { "notes.txt": "first", photos, link: symlink("notes.txt"), empty: "" };
}

/** One run of a backup in this world. */
export async function backUpAgain(
  { source }: CrashWorld,
  repository: Repository,
  request: Partial<Omit<BackupRequest, "targets">> = {},
): Promise<BackupResult> {
  return await backUp(repository, source, { packSizeBytes, ...request });
}

/** After whatever happened: the older snapshots are whole, nothing is damaged, and the next backup works and comes back. */
export async function expectNothingLost(world: CrashWorld, store: ObjectStore): Promise<BackupResult> {
  const repository = await openQuickly(store);
  await unlockDead(repository);
  for (const { id, files } of world.older) expect(await restoredWhole(repository, id)).toEqual(files);
  expect(await errorsFound(repository)).toEqual([]);

  const result = await backUpAgain(world, await openQuickly(store));
  expect(await restoredWhole(repository, result.snapshotId ?? "")).toEqual(world.now);
  expect(await errorsFound(await openQuickly(store))).toEqual([]);
  return result;
}
