import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folderStore } from "@saveos/engine/node";
import { testPassword } from "@saveos/engine/testing";
import { describeWith } from "../support/missing-peers.ts";
import { openQuickly, storeOf } from "../support/quick-engine.ts";
import { resticOn } from "../support/restic.ts";
import { run } from "../support/run.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import type { KilledPrune } from "./killed-prune.ts";
import { expectPruneFinishes, expectWhole, type PruneWorld, pruneWorld } from "./prune-world.ts";
import { unlock } from "@saveos/engine";

/** A prune of the world makes fewer writes and deletions, or the test would run for ever. */
const callsMax = 100;

describeWith(["restic"], "a prune process killed with SIGKILL", () => {
  let temp: TempFolder;
  let world: PruneWorld;
  beforeAll(async () => {
    temp = await tempFolder();
    world = await pruneWorld();
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test.each([
    ["before", 5],
    ["after", 9],
  ] as const)(
    "%s its n-th write or deletion leaves every snapshot whole, restic agrees, and the next prune finishes",
    async (when, step) => {
      let killed = 0;
      for (let nth = 1; ; nth += step) {
        expect(nth).toBeLessThan(callsMax);
        const path = join(temp.path, `${when}-${nth}`);
        await storeOf(world.objects, folderStore(path));
        const { code, stderr } = await runKilled({ store: path, nth, when });
        expect(stderr).toBe("");
        await unlock(await openQuickly(folderStore(path)), { removeAll: true, hostname: "" });
        await expectWhole(world, folderStore(path));
        if (nth % 6 === 1) await resticOn(path, testPassword)("check", "--read-data");
        await expectPruneFinishes(world, folderStore(path));
        if (code === 0) break;
        killed += 1;
      }
      expect(killed).toBeGreaterThan(2);
    },
  );

  async function runKilled(wish: KilledPrune) {
    const script = fileURLToPath(new URL("killed-prune.ts", import.meta.url));
    return await run(process.execPath, [script, JSON.stringify(wish)], { env: { NODE_OPTIONS: "" } });
  }
});
