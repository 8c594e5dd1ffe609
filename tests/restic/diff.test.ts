import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diff, type DiffSide, findSnapshot, loadIndex } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import {
  backUp,
  file,
  memorySource,
  type MemoryTree,
  newCheapRepository,
  symlink,
  testPassword,
} from "@saveos/engine/testing";
import { describeWith } from "../support/missing-peers.ts";
import { openQuickly, quickDeps } from "../support/quick-engine.ts";
import { isOlderThan, type Restic, resticOn } from "../support/restic.ts";
import { noise } from "../support/sample-tree.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const { seed } = seeded();
const rounds = 4;
const names = ["a", "b", "ä", "z z", "B", "\u{1f600}", "bad\udcff", "\ue000", 'q"\\', "<&>"];

describeWith(["restic"], `diff answers as stock restic, with seed ${seed},`, () => {
  let temp: TempFolder;

  beforeAll(async () => (temp = await tempFolder()));
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test(`of ${rounds} pairs of random trees, with metadata and without, whole and of a folder`, async () => {
    if (await isOlderThan(0, 18)) return;
    const random = seeded(seed);
    const path = join(temp.path, "repository");
    await newCheapRepository(quickDeps(folderStore(path)));
    const restic = resticOn(path, testPassword);
    let changes = 0;
    for (let round = 0; round < rounds; round++) {
      const before = randomTree(random, 4);
      const after = changedTree(random, before);
      const ids = [];
      for (const home of [before, after]) {
        const source = memorySource({ home: { same: { kept: "kept", deep: { a: "moved" } }, tree: home } });
        const { snapshotId } = await backUp(await openQuickly(folderStore(path)), source);
        ids.push(snapshotId ?? expect.unreachable("a backup makes a snapshot"));
      }
      for (const metadata of [false, true])
        for (const folder of ["", ":/home/tree"]) {
          const wanted = ids.map((id) => id + folder);
          const theirs = await answerOfRestic(restic, [...(metadata ? ["--metadata"] : []), ...wanted]);
          expect({ round, ...(await answerOfEngine(path, wanted, metadata)) }).toEqual({ round, ...theirs });
          changes += theirs.changes.length;
        }
    }
    expect(changes).toBeGreaterThan(20 * rounds);
  });
});

interface Answer {
  readonly changes: readonly string[];
  readonly statistics: unknown;
}

async function answerOfRestic(restic: Restic, args: readonly string[]): Promise<Answer> {
  // Quiet, it keeps the changes to itself.
  const lines = (await restic.json("diff", "--quiet=false", ...args)) as {
    message_type: string;
    modifier: string;
    path: string;
  }[];
  const { added, removed, changed_files } = lines.at(-1) as unknown as Record<string, unknown>;
  return {
    changes: lines.slice(0, -1).map(({ modifier, path }) => `${modifier} ${path}`),
    statistics: { changed_files, added, removed },
  };
}

async function answerOfEngine(path: string, [source = "", target = ""]: string[], metadata: boolean): Promise<Answer> {
  const repository = await openQuickly(folderStore(path));
  await loadIndex(repository);
  const changes: string[] = [];
  const { changedFiles, added, removed } = await diff(repository, {
    source: await findSnapshot(repository, source),
    target: await findSnapshot(repository, target),
    metadata,
    // Restic's JSON has U+FFFD for a byte that is not UTF-8.
    onChange: (change) => void changes.push(`${change.modifier} ${change.path.toWellFormed()}`),
  });
  return { changes, statistics: { changed_files: changedFiles, added: sideOf(added), removed: sideOf(removed) } };
}

function sideOf({ files, dirs, others, dataBlobs, treeBlobs, bytes }: DiffSide): Record<string, number> {
  return { files, dirs, others, data_blobs: dataBlobs, tree_blobs: treeBlobs, bytes };
}

function randomTree(random: Seeded, depth: number): MemoryTree {
  const chosen = names.filter(() => random.below(2) === 0);
  return Object.fromEntries(chosen.map((name) => [name, randomEntry(random, depth)]));
}

type Entry = MemoryTree[string];

function randomEntry(random: Seeded, depth: number): Entry {
  const details = {
    permissions: [0o644, 0o755][random.below(2)] ?? 0,
    mtimeNs: BigInt(1_700_000_000 + random.below(3)) * 1_000_000_000n,
    extendedAttributes: random.below(4) === 0 ? [{ name: "user.x", value: noise(3, random.below(3)) }] : [],
  };
  const kind = random.below(depth > 0 ? 5 : 3);
  if (kind === 0) return symlink(["a", "b"][random.below(2)] ?? "", details);
  // Few contents, so that many files share theirs, and some are moved.
  if (kind < 3) return file(noise(random.below(6) * 1000, random.below(6)), details);
  return randomTree(random, depth - 1);
}

/** The same tree with some entries gone, some new and some others in their place, at any depth. */
function changedTree(random: Seeded, tree: MemoryTree): MemoryTree {
  const changed: Record<string, Entry> = {};
  for (const name of names) {
    const before = tree[name];
    const fate = random.below(8);
    if (fate === 0 && before !== undefined) continue;
    if (fate === 1) changed[name] = randomEntry(random, 2);
    else if (before !== undefined) changed[name] = isFolder(before) ? changedTree(random, before) : before;
  }
  return changed;
}

function isFolder(entry: Entry): entry is MemoryTree {
  return typeof entry === "object" && Object.getPrototypeOf(entry) === Object.prototype;
}
