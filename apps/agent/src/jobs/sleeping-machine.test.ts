import { mkdir, writeFile } from "node:fs/promises";
import { listSnapshots, type ObjectStore } from "@saveos/engine";
import { ManualClock } from "@saveos/engine/testing";
import { beforeEach, expect, test } from "vitest";
import type { JobEnd } from "./job-end.ts";
import { OrderWorld, snapshotOf } from "../testing/order-world.ts";

const threeDaysMs = 3 * 24 * 60 * 60_000;

let world: OrderWorld;
let clock: ManualClock;
let store: ObjectStore;

beforeEach(async () => {
  world = await OrderWorld.create();
  clock = new ManualClock();
  world.clock = clock;
  store = world.ownStore;
  await mkdir(world.machine.path("files"));
  await writeFile(world.machine.path("files", "notes.txt"), "first");
  return () => world[Symbol.asyncDispose]();
});

/** Begins a backup and holds its first pack back; resolves when the machine may fall asleep in the middle of it. */
async function backUpUntilUpload(): Promise<{ readonly wakeUp: () => void; readonly ending: Promise<JobEnd> }> {
  const reached = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  world.ownStore = {
    ...store,
    put: async (name, bytes, options) => {
      if (name.startsWith("data/")) {
        reached.resolve();
        await woken.promise;
      }
      await store.put(name, bytes, options);
      written.push({ name, locks: (await Array.fromAsync(store.list("locks"))).length, atNs: clock.nowNs() });
    },
  };
  const ending = world.backUp();
  await settling(reached.promise);
  return { wakeUp: woken.resolve, ending };
}

/** What was written, with how many locks there were at the time. */
const written: { readonly name: string; readonly locks: number; readonly atNs: bigint }[] = [];

/** Waits for what needs short waits of the clock to go by. */
async function settling<Result>(work: Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const watched = work.finally(() => over.abort());
  while (!over.signal.aborted) await clock.advance(100);
  return await watched;
}

const snapshotsThere = async () => await listSnapshots(await world.openOwn());

test("a machine that slept for three days, and whose lock was removed meanwhile, gives its backup up; the next one works", async () => {
  const { wakeUp, ending } = await backUpUntilUpload();
  // `unlock`, on another machine: the lock looked left behind.
  for (const { id } of await Array.fromAsync(store.list("locks"))) await store.delete(`locks/${id}`);
  written.length = 0;
  await clock.advance(threeDaysMs);
  wakeUp();
  expect(await settling(ending)).toMatchObject({ outcome: "failed", error: "lock-lost" });
  expect(written.filter(({ name }) => name.startsWith("index/") || name.startsWith("snapshots/"))).toEqual([]);

  world.ownStore = store;
  expect(await snapshotsThere()).toEqual([]);
  const next = await settling(world.backUp());
  expect(next).toMatchObject({ outcome: "completed", summary: { files_new: 1 } });
  expect((await snapshotsThere()).map(({ id }) => id)).toEqual([snapshotOf(next)]);
  expect(await Array.fromAsync(store.list("locks"))).toEqual([]);
});

test("a machine that slept for three days, and whose lock is still there, takes it anew before it writes what counts", async () => {
  const { wakeUp, ending } = await backUpUntilUpload();
  const [before] = await Array.fromAsync(store.list("locks"));
  written.length = 0;
  await clock.advance(threeDaysMs);
  wakeUp();
  const end = await settling(ending);
  expect(end.outcome).toBe("completed");

  const renewal = written.findIndex(({ name }) => name.startsWith("locks/"));
  const counts = written.findIndex(({ name }) => name.startsWith("index/") || name.startsWith("snapshots/"));
  expect(renewal).toBeGreaterThanOrEqual(0);
  expect(counts).toBeGreaterThan(renewal);
  expect(written[renewal]?.name).not.toBe(`locks/${before?.id}`);
  // Never without one.
  expect(written.every(({ locks }) => locks > 0)).toBe(true);
  expect((await snapshotsThere()).map(({ id }) => id)).toEqual([snapshotOf(end)]);
});
