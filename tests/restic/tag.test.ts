import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listSnapshots, type SnapshotFilter, type StoredSnapshot, type TagChange, tagSnapshots } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { newCheapRepository, testLock, testPassword } from "@saveos/engine/testing";
import { describeWith } from "../support/missing-peers.ts";
import { openQuickly, quickDeps } from "../support/quick-engine.ts";
import { resticOn } from "../support/restic.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { makeRandomSnapshots, tags as someTags } from "./forget-world.ts";

const { seed } = seeded();
const rounds = 8;

describeWith(["restic"], `tag does what stock restic does, with seed ${seed},`, () => {
  let temp: TempFolder;

  beforeAll(async () => (temp = await tempFolder()));
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test(`${rounds} times in a row, each on a repository of its own, and restic finds nothing wrong with ours`, async () => {
    const random = seeded(seed);
    const [ours, theirs] = [join(temp.path, "ours"), join(temp.path, "theirs")];
    const repository = await newCheapRepository(quickDeps(folderStore(ours)));
    await makeRandomSnapshots(repository, 25, random, repository.clock.nowNs());
    await cp(ours, theirs, { recursive: true });
    const restic = resticOn(theirs, testPassword);
    for (let round = 0; round < rounds; round++) {
      const { change, filter, args } = randomTagging(random);
      await tagSnapshots(repository, { change, filter, lock: testLock });
      await restic("tag", ...args);
      const left = (await listSnapshots(await openQuickly(folderStore(theirs)))).map(comparable);
      expect({ args, left: (await listSnapshots(repository)).map(comparable) }).toEqual({ args, left });
    }
    await resticOn(ours, testPassword)("check");
  });
});

/** All but what no two programs have in common: the ids of changed snapshots, and the order of the tags. */
function comparable({ id: _, original, tags, ...snapshot }: StoredSnapshot): unknown {
  return { ...snapshot, tags: tags.toSorted(), wasChanged: original !== undefined };
}

function randomTagging(random: Seeded): { change: TagChange; filter: SnapshotFilter; args: readonly string[] } {
  const choose = () => [...someTags, "new", "newer"].filter(() => random.below(3) === 0);
  const host = ["alpha", "beta"][random.below(3)];
  const filterArgs = host === undefined ? [] : ["--host", host];
  const filter = { hosts: host === undefined ? [] : [host] };
  if (random.below(3) === 0) {
    // One that no snapshot has: SaveOS leaves those alone that have the wanted tags already.
    const set = [...choose(), `only-${random.below(1e6)}`];
    return { change: { set }, filter, args: ["--set", set.join(","), ...filterArgs] };
  }
  const [add, remove] = [[...choose(), "x"], choose().filter((tag) => tag !== "x")];
  const kept = add.filter((tag) => !remove.includes(tag));
  return {
    change: { add: kept, remove },
    filter,
    args: ["--add", kept.join(","), ...(remove.length > 0 ? ["--remove", remove.join(",")] : []), ...filterArgs],
  };
}
