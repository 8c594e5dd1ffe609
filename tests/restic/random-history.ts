import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { listSnapshots, type ObjectName } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { backUp } from "../support/engine.ts";
import { newQuickRepository, openQuickly, type Restored, restoredWhole } from "../support/quick-engine.ts";
import { resticOn } from "../support/restic.ts";
import { noise, prose } from "../support/sample-tree.ts";
import type { Seeded } from "../support/seeded.ts";
import { testPassword } from "@saveos/engine/testing";

/** A repository with a past: several backups of a folder that changes, by one program or the other, of which some were forgotten. */
export interface RandomHistory {
  readonly path: string;
  /** By snapshot, what must come back. */
  readonly kept: ReadonlyMap<string, Restored>;
}

export interface HistoryWishes {
  readonly folder: string;
  readonly random: Seeded;
  readonly backups: number;
  /** How many of them stay. */
  readonly kept: number;
}

export async function randomHistory({ folder, random, backups, kept }: HistoryWishes): Promise<RandomHistory> {
  const path = join(folder, "repository");
  const source = join(folder, "source");
  const repository = await newQuickRepository(folderStore(path));
  const restic = resticOn(path, testPassword);
  const files = new Set<string>();
  for (let round = 0; round < backups; round++) {
    await change(source, files, random, round);
    if (random.below(2) === 0) await restic("backup", source);
    else
      await backUp(await openQuickly(folderStore(path)), [source], { packSizeBytes: 100_000 + random.below(900_000) });
  }
  const snapshots = (await listSnapshots(repository)).map(({ id }) => id);
  while (snapshots.length > kept) {
    const [gone] = snapshots.splice(random.below(snapshots.length), 1);
    await repository.store.delete(`snapshots/${gone}` as ObjectName);
  }
  const contents = new Map<string, Restored>();
  for (const id of snapshots) contents.set(id, await restoredWhole(await openQuickly(folderStore(path)), id));
  return { path, kept: contents };
}

/** Some files come, some change, some go. */
async function change(source: string, files: Set<string>, random: Seeded, round: number): Promise<void> {
  for (const name of files) {
    const chance = random.below(10);
    if (chance === 0) {
      await rm(join(source, name));
      files.delete(name);
    } else if (chance < 3) await write(source, name, random);
  }
  for (let i = 0; i < 12; i++) {
    const name = join(`folder-${random.below(4)}`, `${round}-${i}`);
    files.add(name);
    await write(source, name, random);
  }
}

async function write(source: string, name: string, random: Seeded): Promise<void> {
  const length = random.below(4) === 0 ? random.below(900_000) : random.below(30_000);
  await mkdir(dirname(join(source, name)), { recursive: true });
  await writeFile(join(source, name), (random.below(3) === 0 ? prose : noise)(length, random.below(1_000_000)));
}

export async function copyOf({ path }: RandomHistory, to: string): Promise<string> {
  await cp(path, to, { recursive: true });
  return to;
}
