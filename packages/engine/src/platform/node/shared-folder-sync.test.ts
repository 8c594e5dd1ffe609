import { expect, test } from "vitest";
import { sharedFolderSync } from "./shared-folder-sync.ts";

/** A sync whose every run ends when the test says so. */
function heldSync() {
  const runs: { path: string; end: (error?: Error) => void }[] = [];
  const sync = sharedFolderSync(
    (path) =>
      new Promise((resolve, reject) => runs.push({ path, end: (error) => (error ? reject(error) : resolve()) })),
  );
  const settled = async () => await new Promise((resolve) => setImmediate(resolve));
  return { runs, sync, settled };
}

test("those that ask while a sync runs share the next, which begins when that one is over", async () => {
  const { runs, sync, settled } = heldSync();
  const first = sync("a");
  await settled();
  let later = 0;
  const others = [1, 2, 3].map(async () => {
    await sync("a");
    later += 1;
  });
  await settled();
  expect(runs).toHaveLength(1);
  runs[0]?.end();
  await first;
  await settled();
  expect([runs.length, later]).toEqual([2, 0]);
  runs[1]?.end();
  await Promise.all(others);
  expect([runs.length, later]).toEqual([2, 3]);
});

test("who asks when all is done gets a sync of its own, and folders don't wait for each other", async () => {
  const { runs, sync, settled } = heldSync();
  const ended = [sync("a"), sync("b")];
  await settled();
  expect(runs.map(({ path }) => path)).toEqual(["a", "b"]);
  for (const { end } of runs) end();
  await Promise.all(ended);
  void sync("a");
  await settled();
  expect(runs).toHaveLength(3);
});

test("a sync that fails is told to those that asked for it, and the next is tried all the same", async () => {
  const { runs, sync, settled } = heldSync();
  const first = sync("a");
  await settled();
  const second = sync("a");
  runs[0]?.end(new Error("EIO"));
  await expect(first).rejects.toThrow("EIO");
  await settled();
  runs[1]?.end();
  await second;
});
