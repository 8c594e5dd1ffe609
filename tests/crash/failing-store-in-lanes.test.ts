import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ObjectStore, openRepository, type Repository } from "@saveos/engine";
import { nodeCompute } from "@saveos/engine/node";
import { faultyStore, testPassword } from "@saveos/engine/testing";
import { clearOutcome } from "../support/clear-outcome.ts";
import { backUp } from "../support/engine.ts";
import {
  errorsFound,
  newQuickRepository,
  objectsOf,
  openQuickly,
  quickDeps,
  storeOf,
  unlockDead,
} from "../support/quick-engine.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** So small that a few megabytes are many packs. */
const packSizeBytes = 300_000;
/** No backup of these files makes so many writes. */
const writesMax = 60;

/** With worker threads, each of which has an open pack when the store fails. */
async function openInThreads(store: ObjectStore): Promise<Repository> {
  const deps = quickDeps(store);
  const { lanes } = nodeCompute({ workers: 2 });
  return await openRepository({ ...deps, compute: { ...deps.compute, lanes } }, { password: testPassword });
}

test("a backup by worker threads ends with a clear error when any write fails, and the next one has everything", async () => {
  await using place = await tempFolder();
  const folder = place.path;
  for (const part of ["a", "b"]) {
    await mkdir(join(folder, part));
    for (let n = 0; n < 40; n++) await writeFile(join(folder, part, `${n}.bin`), randomBytes(20_000));
  }
  await writeFile(join(folder, "large.bin"), randomBytes(5_000_000));
  const before = await objectsOf((await newQuickRepository()).store);

  let failed = 0;
  for (let nth = 1; nth <= writesMax; nth++) {
    const store = await storeOf(before);
    const faulty = faultyStore(store, { failures: [{ call: "put", nth, times: writesMax }] });
    const outcome = await clearOutcome(async () => {
      await backUp(await openInThreads(faulty), [folder], { packSizeBytes });
    });
    const repository = await openQuickly(store);
    await unlockDead(repository);
    expect(await errorsFound(repository)).toEqual([]);
    if ("value" in outcome) break;
    failed += 1;
    const { summary } = await backUp(await openInThreads(store), [folder], { packSizeBytes });
    expect(summary.totalFilesProcessed).toBe(81);
    expect(await errorsFound(await openQuickly(store))).toEqual([]);
  }
  // Locks, packs of both threads, the trees, the index and the snapshot.
  expect(failed).toBeGreaterThan(8);
  expect(failed).toBeLessThan(writesMax);
});
