import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isEngineError, unlock } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { backUp, restoreTo } from "../support/engine.ts";
import { type Manifest, manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { errorsFound, newQuickRepository, openQuickly } from "../support/quick-engine.ts";
import { resticOn } from "../support/restic.ts";
import { run } from "../support/run.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import type { KilledBackup } from "./killed-backup.ts";

const packSizeBytes = 60_000;
/** A backup of this source makes fewer writes, or the test would run for ever. */
const writesMax = 60;

describeWith(["restic", "extended attributes"], "a backup process killed with SIGKILL", () => {
  let temp: TempFolder;
  let source: string;
  let pristine: string;
  let older: { id: string; manifest: Manifest };
  let now: Manifest;

  beforeAll(async () => {
    temp = await tempFolder();
    source = join(temp.path, "source");
    pristine = join(temp.path, "pristine");
    await mkdir(join(source, "photos"), { recursive: true });
    await writeFile(join(source, "notes.txt"), "first");
    for (const i of [1, 2, 3]) await writeFile(join(source, `photos/${i}.jpg`), noise(40_000, i));
    const repository = await newQuickRepository(folderStore(pristine));
    const { snapshotId = "" } = await backUp(repository, [source], { packSizeBytes });
    older = { id: snapshotId, manifest: await manifestOf(source) };
    await writeFile(join(source, "notes.txt"), prose(20_000, 1));
    for (let i = 0; i < 8; i++) await writeFile(join(source, `photos/new-${i}.jpg`), noise(70_000, 50 + i));
    await rm(join(source, "photos/2.jpg"));
    now = await manifestOf(source);
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test.each([
    ["before", 1],
    ["half-way through", 3],
    ["right after", 5],
  ] as const)(
    "%s its n-th write loses nothing: the older snapshot is whole, the next backup works, restic agrees",
    async (place, step) => {
      const when = place === "half-way through" ? "half-way" : place === "right after" ? "after" : "before";
      let killed = 0;
      for (let nth = 1; ; nth += step) {
        expect(nth).toBeLessThan(writesMax);
        const path = await freshRepository();
        const { code, stderr } = await runKilled({ store: path, source, packSizeBytes, nth, when });
        expect(stderr).toBe("");
        if (code === 0) break;
        killed += 1;
        if (when === "half-way") expect(await temporaryFiles(path)).not.toEqual([]);
        await expectStaleLockOnly(path, { wasLocked: nth > 1 || when === "after" });
        await expectNothingLost(path, { askRestic: nth % 6 === 4 });
      }
      expect(killed).toBeGreaterThanOrEqual(Math.floor(10 / step));
    },
  );

  let repositories = 0;
  async function freshRepository(): Promise<string> {
    const path = join(temp.path, `repository-${repositories++}`);
    await cp(pristine, path, { recursive: true });
    return path;
  }

  async function runKilled(wish: KilledBackup) {
    const script = fileURLToPath(new URL("killed-backup.ts", import.meta.url));
    return await run(process.execPath, [script, JSON.stringify(wish)], { env: { NODE_OPTIONS: "" } });
  }

  async function temporaryFiles(path: string): Promise<string[]> {
    return (await readdir(path, { recursive: true })).filter((name) => name.includes("-tmp-"));
  }

  /** The dead process could not remove its lock. It keeps others from an exclusive one until `unlock` sees that it is dead. */
  async function expectStaleLockOnly(path: string, { wasLocked }: { wasLocked: boolean }): Promise<void> {
    const repository = await openQuickly(folderStore(path));
    const nobodyIsGone = { removeAll: false, hostname: hostname(), isProcessGone: () => false };
    expect(await unlock(repository, nobodyIsGone)).toBe(0);
    if (wasLocked)
      await expect(errorsFound(repository)).rejects.toSatisfy((error) => isEngineError(error, "repository-locked"));
    expect(await unlock(repository, { ...nobodyIsGone, isProcessGone })).toBe(wasLocked ? 1 : 0);
  }

  async function expectNothingLost(path: string, { askRestic }: { askRestic: boolean }): Promise<void> {
    const repository = await openQuickly(folderStore(path));
    expect(await errorsFound(repository)).toEqual([]);
    const back = join(temp.path, "back");
    await restoreTo(repository, back, { snapshot: older.id });
    expect(await manifestOf(join(back, source))).toEqual(older.manifest);
    await rm(back, { recursive: true });

    const { snapshotId = "" } = await backUp(repository, [source], { packSizeBytes });
    await restoreTo(repository, back, { snapshot: snapshotId, verify: true });
    expect(await manifestOf(join(back, source))).toEqual(now);
    expect(await errorsFound(repository)).toEqual([]);
    if (askRestic) await resticOn(path, testPassword)("check", "--read-data");
    await rm(back, { recursive: true });
  }
});

function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
