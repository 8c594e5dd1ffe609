import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadIndex, lockRepository } from "@saveos/engine";
import { beforeEach, expect, test } from "vitest";
import { machineClock } from "../host/clock.ts";
import { checkOrder, OrderWorld } from "../testing/order-world.ts";

let world: OrderWorld;

beforeEach(async () => {
  world = await OrderWorld.create();
  await mkdir(world.machine.path("files"));
  await writeFile(path.join(world.machine.path("files"), "secret-plan.odt"), "first");
  return () => world[Symbol.asyncDispose]();
});

/** Damages what files hold; the trees stay whole. */
async function damageData(): Promise<string[]> {
  const repository = await world.openOwn();
  await loadIndex(repository);
  const stored = await Array.fromAsync(world.ownStore.list("data"));
  const packs = stored.filter(({ id }) => !repository.index.isTreePack(id));
  for (const { id } of packs) {
    const bytes = await world.ownStore.get(`data/${id}`);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await world.ownStore.delete(`data/${id}`);
    await world.ownStore.put(`data/${id}`, bytes);
  }
  return packs.map(({ id }) => id);
}

test.each([0, 2.5, 50, 100])("a repository that is whole passes, with %f percent of its data read", async (percent) => {
  await world.backUp();
  expect(await world.run(checkOrder(percent))).toEqual({
    outcome: "completed",
    summary: { num_errors: 0, broken_packs: [], suggest_repair_index: false, suggest_prune: false },
  });
  // The store itself is checked, no copy of it.
  expect(world.opened.at(-1)).toEqual({ which: "own", useCache: false });
  expect(world.progress.length).toBeGreaterThan(0);
});

test("damage makes the job failed; the packs are told, the files that need them only to the machine's own log", async () => {
  await world.backUp();
  const damaged = await damageData();
  const end = await world.run(checkOrder(100));
  expect(end).toMatchObject({ outcome: "failed", error: "damaged-repository" });
  expect(end.reason).toMatch(/^The check found \d+ errors?:/);
  expect(end.summary).toMatchObject({ broken_packs: damaged });
  expect(JSON.stringify([end, world.said])).not.toContain("secret-plan");
});

test("what is not read is not found to be damaged", async () => {
  await world.backUp();
  await damageData();
  expect((await world.run(checkOrder(0))).outcome).toBe("completed");
});

test("another program that works on the repository is waited for, and the log says so without its name", async () => {
  await world.backUp();
  const repository = await world.openOwn();
  const lock = await lockRepository(repository, { hostname: "other-host", username: "eve", pid: 1, exclusive: false });
  const waited = Promise.withResolvers<void>();
  world.clock = {
    ...world.clock,
    sleep: async (ms, options) => {
      if (ms >= 5_000 && ms < 60_000) {
        waited.resolve();
        await lock[Symbol.asyncDispose]();
      } else await machineClock.sleep(ms, options);
    },
  };
  expect((await world.run(checkOrder())).outcome).toBe("completed");
  await waited.promise;
  expect(world.said).toContain("info: Another program holds a lock on the repository; waiting for it");
  expect(JSON.stringify(world.said)).not.toContain("eve");
  expect(world.log.join("\n")).toContain("other-host");
});
