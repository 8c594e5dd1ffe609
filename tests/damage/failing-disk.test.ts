import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addKey, initRepository, inlineCompute, unlock } from "@saveos/engine";
import { folderStore, nodeCompute, nodePrimitives } from "@saveos/engine/node";
import { faultyStore, testLock } from "@saveos/engine/testing";
import { clearError } from "../support/clear-outcome.ts";
import { backUp, restoreTo } from "../support/engine.ts";
import { manifestOf } from "../support/manifest.ts";
import { mountRefusal, readOnlyView, smallDisk } from "../support/mounts.ts";
import { errorsFound, newQuickRepository, openQuickly, quickDeps } from "../support/quick-engine.ts";
import { noise } from "../support/sample-tree.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const refusal = await mountRefusal();
const settings = { packSizeBytes: 300_000, lock: testLock };

let temp: TempFolder;
let source: string;
beforeEach(async () => {
  temp = await tempFolder();
  source = join(temp.path, "source");
  await mkdir(source);
  await writeFile(join(source, "notes.txt"), "first");
  await writeFile(join(source, "photo.jpg"), noise(300_000, 1));
});
afterEach(async () => await temp[Symbol.asyncDispose]());

async function addPhotos(): Promise<void> {
  for (let i = 0; i < 16; i++) await writeFile(join(source, `photo-${i}.jpg`), noise(400_000, 10 + i));
}

const withMounts = refusal === undefined ? describe : describe.skip;

withMounts(`a disk${refusal === undefined ? "" : ` (skipped: ${refusal})`}`, () => {
  test.each([
    ["without lanes, in memory", inlineCompute(nodePrimitives)],
    ["in lanes, in files", nodeCompute({ workers: 2 })],
  ])(
    "that is full ends a backup %s with a clear error; the older snapshot is whole, and with more room the next backup works",
    async (_, compute) => {
      const disk = join(temp.path, "disk");
      await using mount = await smallDisk(disk, "4m");
      const path = join(disk, "repository");
      const repository = { ...(await newQuickRepository(folderStore(path))), compute };
      const { snapshotId = "" } = await backUp(repository, [source], settings);
      const older = await manifestOf(source);
      await addPhotos();

      const error = await clearError(() => backUp(repository, [source], settings));
      expect(error).toMatchObject({ code: "store-full", message: expect.stringContaining(path) as string });
      // Nothing can be written there now, so no lock either.
      await writeFile(join(disk, "filler"), new Uint8Array(8_000_000)).catch(() => undefined);
      expect((await clearError(() => backUp(repository, [source], settings))).code).toBe("store-full");
      const back = join(temp.path, "back");
      await restoreTo(await openQuickly(folderStore(path)), back, {
        snapshot: snapshotId,
        verify: true,
        lock: { ...testLock, noLock: true },
      });
      expect(await manifestOf(join(back, source))).toEqual(older);

      await rm(join(disk, "filler"));
      await mount.resize("30m");
      await unlock(repository, { removeAll: true, hostname: testLock.hostname });
      expect(await errorsFound(await openQuickly(folderStore(path)))).toEqual([]);
      await backUp({ ...(await openQuickly(folderStore(path))), compute }, [source], settings);
      await rm(back, { recursive: true });
      await restoreTo(await openQuickly(folderStore(path)), back, { verify: true, lock: testLock });
      expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
      expect(await errorsFound(await openQuickly(folderStore(path)))).toEqual([]);
      expect((await readdir(path, { recursive: true })).filter((name) => name.includes("-tmp-"))).toEqual([]);
    },
  );

  test("that is read-only can be restored and listed from without a lock, and refuses to be written to", async () => {
    const path = join(temp.path, "repository");
    await backUp(await newQuickRepository(folderStore(path)), [source], settings);
    const view = join(temp.path, "view");
    await using _mount = await readOnlyView(path, view);
    const repository = await openQuickly(folderStore(view));
    const request = { password: "new", hostname: "alpha", username: "ada", lock: testLock };
    for (const write of [
      () => backUp(repository, [source], settings),
      () => addKey(repository, request),
      () => errorsFound(repository),
    ]) {
      const error = await clearError(write);
      expect(error).toMatchObject({ code: "store-denied", message: expect.stringContaining(view) as string });
    }
    const empty = join(temp.path, "repository/empty");
    await mkdir(empty);
    const deps = quickDeps(folderStore(join(view, "empty")));
    expect((await clearError(() => initRepository(deps, request))).code).toBe("store-denied");
    const back = join(temp.path, "back");
    expect(await restoreTo(repository, back, { lock: { ...testLock, noLock: true } })).toMatchObject({ problems: 0 });
    expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
  });

  test("that is full under a restore costs the files that don't fit, each said, and no other", async () => {
    await addPhotos();
    const repository = await newQuickRepository();
    await backUp(repository, [source], settings);
    const back = join(temp.path, "small disk");
    await using _mount = await smallDisk(back, "3m");
    const said: string[] = [];
    const { problems } = await restoreTo(repository, back, {
      lock: testLock,
      onProblem: ({ path, message, cause }) => {
        expect(cause).toMatchObject({ code: "target-unwritable" });
        expect(message).toContain(path.slice(path.lastIndexOf("/") + 1));
        said.push(path);
      },
    });
    expect(problems).toBe(said.length);
    expect(said.length).toBeGreaterThan(5);
    const [wanted, found] = [
      await manifestOf(source),
      await manifestOf(join(back, source), { ignoreFolderTimes: true }),
    ];
    const whole = Object.entries(wanted).filter(([path]) => !said.includes(`${source}${path}`));
    expect(whole.length).toBeGreaterThan(3);
    for (const [path, entry] of whole) expect(found[path]).toEqual(entry);
  });
});

test("a disk that is unplugged in the middle of a backup ends it with a clear error; plugged in again, nothing is lost", async () => {
  const path = join(temp.path, "repository");
  const first = await backUp(await newQuickRepository(folderStore(path)), [source], settings);
  const older = await manifestOf(source);
  await addPhotos();
  const elsewhere = join(temp.path, "unplugged");
  let packs = 0;
  const vanishing = faultyStore(folderStore(path), {
    delay: (call, name) =>
      call === "put" && name.startsWith("data/") && ++packs === 4 ? rename(path, elsewhere) : undefined,
  });
  const repository = await openQuickly(vanishing);
  await clearError(() => backUp(repository, [source], settings));
  // Nobody makes a repository in its empty mount point.
  expect((await readdir(temp.path)).toSorted()).toEqual(["source", "unplugged"]);
  expect((await clearError(() => openQuickly(folderStore(path)))).code).toBe("no-repository");

  await rename(elsewhere, path);
  const again = await openQuickly(folderStore(path));
  await unlock(again, { removeAll: false, hostname: testLock.hostname, isProcessGone: () => true });
  expect(await errorsFound(again)).toEqual([]);
  const back = join(temp.path, "back");
  await restoreTo(again, back, { snapshot: first.snapshotId ?? "", lock: testLock });
  expect(await manifestOf(join(back, source))).toEqual(older);
  await rm(back, { recursive: true });
  await backUp(again, [source], settings);
  await restoreTo(again, back, { lock: testLock });
  expect(await manifestOf(join(back, source))).toEqual(await manifestOf(source));
});
