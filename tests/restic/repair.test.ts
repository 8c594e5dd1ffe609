import { chmod, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listSnapshots, loadIndex, type ObjectId, repairIndex, repairPacks, repairSnapshots } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { lock } from "../support/engine.ts";
import { describeWith } from "../support/missing-peers.ts";
import { findings, openQuickly, restoredWhole } from "../support/quick-engine.ts";
import { isOlderThan, resticOn } from "../support/restic.ts";
import { seeded } from "../support/seeded.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { copyOf, type RandomHistory, randomHistory } from "./random-history.ts";

const random = seeded();

describeWith(["restic", "extended attributes"], `repairs beside stock restic (SAVEOS_TEST_SEED=${random.seed})`, () => {
  let temp: TempFolder;
  let history: RandomHistory;

  beforeAll(async () => {
    temp = await tempFolder();
    history = await randomHistory({ folder: temp.path, random, backups: 5, kept: 3 });
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test.each<[string, (path: string) => Promise<ObjectId[]>]>([
    ["a byte of two packs of data is another", async (path) => await damagePacks(path, "data", 2, flip)],
    ["a pack of folders is damaged", async (path) => await damagePacks(path, "tree", 1, flip)],
    [
      "packs of both are gone",
      async (path) => [
        ...(await damagePacks(path, "data", 1, remove)),
        ...(await damagePacks(path, "tree", 1, remove)),
      ],
    ],
    ["an index is gone", async (path) => await damageIndex(path)],
  ])("where %s, the same is left of every snapshot", async (name, damage) => {
    const damaged = join(temp.path, `damaged, ${name}`);
    await copyOf(history, damaged);
    const packs = await damage(damaged);
    const byUs = await copyOf({ ...history, path: damaged }, join(temp.path, `by us, ${name}`));
    await repairByUs(byUs, packs);
    await expectSound(byUs);
    await resticOn(byUs, testPassword)("check", "--read-data");
    expect((await treesOf(byUs)).length).toBeGreaterThan(0);

    // Older versions have no `repair packs`, or make other snapshots of what they repair.
    if (await isOlderThan(0, 19)) return;
    const byRestic = await copyOf({ ...history, path: damaged }, join(temp.path, `by restic, ${name}`));
    await repairByRestic(byRestic, packs);
    await expectSound(byRestic);
    expect(await treesOf(byUs)).toEqual(await treesOf(byRestic));
  });

  test("of a pack that was cut short, every blob before the cut is saved", async () => {
    const damaged = await copyOf(history, join(temp.path, "cut short"));
    const packs = await damagePacks(
      damaged,
      "data",
      1,
      async (file, sizeBytes) => await truncate(file, sizeBytes >> 1),
    );
    await repairByUs(damaged, packs);
    await resticOn(damaged, testPassword)("check", "--read-data");
  });

  test("restic finds an index right that SaveOS made from the packs alone", async () => {
    const path = await copyOf(history, join(temp.path, "no index"));
    await rm(join(path, "index"), { recursive: true });
    await mkdir(join(path, "index"));
    await repairIndex(await openQuickly(folderStore(path)), { lock });
    await resticOn(path, testPassword)("check", "--read-data");
    for (const [id, files] of history.kept)
      expect(await restoredWhole(await openQuickly(folderStore(path)), id)).toEqual(files);
  });

  async function repairByUs(path: string, packs: readonly ObjectId[]): Promise<void> {
    const compression = "auto";
    if (packs.length > 0) await repairPacks(await openQuickly(folderStore(path)), { lock, compression, packs });
    await repairIndex(await openQuickly(folderStore(path)), { lock });
    await repairSnapshots(await openQuickly(folderStore(path)), { lock, compression, forget: true });
  }

  async function repairByRestic(path: string, packs: readonly ObjectId[]): Promise<void> {
    const folder = join(temp.path, "restic's copies");
    await mkdir(folder, { recursive: true });
    const restic = resticOn(path, testPassword).in(folder);
    // Of packs that are gone it can keep no copy, and says so.
    for (const pack of packs) await restic.attempt("repair", "packs", pack);
    await restic("repair", "index");
    await restic("repair", "snapshots", "--forget");
  }

  async function expectSound(path: string): Promise<void> {
    const repository = await openQuickly(folderStore(path));
    expect((await findings(repository)).filter(({ severity }) => severity === "error")).toEqual([]);
    for (const { id } of await listSnapshots(repository)) await restoredWhole(await openQuickly(folderStore(path)), id);
  }

  /** Of each snapshot what tells it from others, and its tree. */
  async function treesOf(path: string): Promise<object[]> {
    const snapshots = await listSnapshots(await openQuickly(folderStore(path)));
    return snapshots
      .map(({ time, tree, tags, original }) => ({ time, tree, tags, original }))
      .toSorted((a, b) => (a.time < b.time ? -1 : 1));
  }

  async function damagePacks(
    path: string,
    type: "data" | "tree",
    count: number,
    how: (file: string, sizeBytes: number) => Promise<void>,
  ): Promise<ObjectId[]> {
    const repository = await openQuickly(folderStore(path));
    await loadIndex(repository);
    const packs = [...repository.index.packs()].filter(({ blobs }) => blobs[0]?.type === type);
    const chosen: ObjectId[] = [];
    while (chosen.length < count) {
      const [{ pack, sizeBytes }] = packs.splice(random.below(packs.length), 1) as [(typeof packs)[0]];
      const file = join(path, "data", pack.slice(0, 2), pack);
      await chmod(file, 0o600);
      await how(file, sizeBytes);
      chosen.push(pack);
    }
    return chosen;
  }

  const remove = async (file: string) => await rm(file);

  async function flip(file: string, sizeBytes: number): Promise<void> {
    const bytes = await readFile(file);
    const at = random.below(sizeBytes >> 1);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }

  async function damageIndex(path: string): Promise<ObjectId[]> {
    const indexes: string[] = [];
    for await (const { id } of folderStore(path).list("index")) indexes.push(id);
    await rm(join(path, "index", indexes[random.below(indexes.length)] ?? ""));
    return [];
  }
});
