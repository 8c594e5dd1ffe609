import { expect } from "vitest";
import {
  type BlobId,
  listFiles,
  loadIndex,
  listSnapshots,
  type ObjectName,
  type Repository,
  type StoredSnapshot,
} from "@saveos/engine";
import { backUp, memorySource, symlink } from "@saveos/engine/testing";
import { newQuickRepository, objectsOf, type Restored, restoredWhole } from "../support/quick-engine.ts";
import { noise, prose } from "../support/sample-tree.ts";

/** A sound repository with two snapshots, and all that a test needs to foretell what damage costs. */
export interface DamageWorld {
  readonly repository: Repository;
  readonly objects: ReadonlyMap<ObjectName, Uint8Array>;
  readonly snapshots: readonly SoundSnapshot[];
}

export interface SoundSnapshot {
  readonly snapshot: StoredSnapshot;
  readonly files: Restored;
  /** By path: the blobs of a file. */
  readonly contents: ReadonlyMap<string, readonly BlobId[]>;
  /** By path: the tree of a folder, "" for the snapshot's own. */
  readonly trees: ReadonlyMap<string, BlobId>;
}

/** What damage to some blobs takes from a snapshot. */
export interface Loss {
  readonly everything: boolean;
  /** Folders whose tree is lost, and files that miss a part; none of them below another. */
  readonly paths: readonly string[];
}

export async function damageWorld(): Promise<DamageWorld> {
  const photos = Object.fromEntries([1, 2, 3, 4, 5, 6].map((i) => [`${i}.jpg`, noise(20_000 * i, i)]));
  const source = memorySource({
    home: {
      "big.bin": noise(1_300_000, 9),
      "notes.txt": "first",
      empty: "",
      link: symlink("notes.txt"),
      photos,
      texts: {
        "a.txt": prose(50_000, 1),
        "b.txt": prose(90_000, 2),
        "same as a.txt": prose(50_000, 1),
        deeper: { "c.txt": "c" },
      },
    },
  });
  const repository = await newQuickRepository();
  const settings = { packSizeBytes: 150_000 };
  await backUp(repository, source, settings);
  source.put("/home/notes.txt", prose(40_000, 3));
  source.put("/home/photos/7.jpg", noise(30_000, 7));
  await backUp(repository, source, settings);
  await loadIndex(repository);
  const snapshots: SoundSnapshot[] = [];
  for (const snapshot of await listSnapshots(repository)) snapshots.push(await describeSnapshot(repository, snapshot));
  expect(snapshots).toHaveLength(2);
  return { repository, objects: await objectsOf(repository.store), snapshots };
}

async function describeSnapshot(repository: Repository, snapshot: StoredSnapshot): Promise<SoundSnapshot> {
  const contents = new Map<string, readonly BlobId[]>();
  const trees = new Map<string, BlobId>([["", snapshot.tree ?? expect.unreachable("a snapshot has a tree")]]);
  for await (const { path, node } of listFiles(repository, snapshot)) {
    if (node.content) contents.set(path, node.content);
    if (node.subtree) trees.set(path, node.subtree);
  }
  return { snapshot, files: await restoredWhole(repository, snapshot.id), contents, trees };
}

/** A blob of a pack that can't be read any more. */
export type LostBlob = `${"data" | "tree"}/${BlobId}`;

/** The blobs of a pack of which any byte is in the range. */
export function blobsWithin({ repository }: DamageWorld, pack: string, start: number, end: number): Set<LostBlob> {
  const lost = new Set<LostBlob>();
  for (const { pack: id, blobs } of repository.index.packs())
    if (id === pack)
      for (const { type, id: blob, offset, length } of blobs)
        if (offset < end && start < offset + length) lost.add(`${type}/${blob}`);
  return lost;
}

/** What the damage must cost a snapshot, and no more. Each blob of this world is there once. */
export function lossOf({ contents, trees }: SoundSnapshot, lost: ReadonlySet<LostBlob>): Loss {
  const paths: string[] = [];
  for (const [path, tree] of trees) if (lost.has(`tree/${tree}`)) paths.push(path);
  for (const [path, blobs] of contents) if (blobs.some((id) => lost.has(`data/${id}`))) paths.push(path);
  const isBelowOther = (path: string) => paths.some((other) => path.startsWith(`${other}/`));
  const topmost = paths.filter((path) => !isBelowOther(path)).toSorted();
  return { everything: topmost.includes(""), paths: topmost };
}

/** The files of a snapshot that the loss does not touch. */
export function spared(files: Restored, { paths }: Loss): Restored {
  const isLost = (path: string) => paths.some((lost) => path === lost || path.startsWith(`${lost}/`));
  return Object.fromEntries(Object.entries(files).filter(([path]) => !isLost(path)));
}
