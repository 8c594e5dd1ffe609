import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ForgetOrder, PruneOrder, RepairOrder, RepairSummary } from "@saveos/contract";
import { check, EngineError, loadIndex, lockRepository, type ObjectStore, parseObjectId } from "@saveos/engine";
import { recipientOf, seal } from "@saveos/vault";
import { beforeEach, describe, expect, test } from "vitest";
import { jobId } from "../testing/memory-link.ts";
import {
  OrderWorld,
  otherPassword,
  otherPath,
  otherRepositoryId,
  ownRepositoryId,
  snapshotOf,
} from "../testing/order-world.ts";
import { impatientClock } from "../testing/test-world.ts";
import { readRememberedSnapshots } from "./last-snapshot.ts";

let world: OrderWorld;

beforeEach(async () => {
  world = await OrderWorld.create();
  world.clock = impatientClock;
  await mkdir(world.machine.path("files"));
  return () => world[Symbol.asyncDispose]();
});

const inOwnRepository = {
  repository_id: ownRepositoryId,
  repository_path: `/restic/${ownRepositoryId}/`,
  sealed: null,
  grant: "the grant of this job",
  dry_run: false,
};

function forgetOrder(snapshot_ids: string[], changes: Partial<ForgetOrder> = {}): ForgetOrder {
  return { kind: "forget", job_id: jobId(9), ...inOwnRepository, snapshot_ids, plan_id: null, ...changes };
}

function pruneOrder(changes: Partial<PruneOrder> = {}): PruneOrder {
  const limits = { max_unused_percent: 0, max_repack_bytes: null, max_delete_percent: 100, without_snapshot_ids: [] };
  return { kind: "prune", job_id: jobId(10), ...inOwnRepository, ...limits, ...changes };
}

function repairOrder(pack_ids: string[], changes: Partial<RepairOrder> = {}): RepairOrder {
  return { kind: "repair", job_id: jobId(11), ...inOwnRepository, pack_ids, rebuild_index: false, ...changes };
}

/** So many backups, each of another file, the oldest first. */
async function backUp(count: number): Promise<string[]> {
  const ids = [];
  for (let run = 0; run < count; run++) {
    await writeFile(path.join(world.machine.path("files"), "secret-plan.odt"), noise(run));
    ids.push(snapshotOf(await world.backUp()));
  }
  return ids;
}

/** Half a megabyte that no compression makes smaller, another for each seed. */
function noise(seed: number): Uint8Array {
  const parts = Array.from({ length: 16_384 }, (_, part) => createHash("sha256").update(`${seed} ${part}`).digest());
  return Buffer.concat(parts);
}

async function stored(kind: "snapshots" | "data" | "locks", store: ObjectStore = world.ownStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(kind))).map(({ id }) => id).toSorted();
}

async function storedBytes(): Promise<number> {
  let bytes = 0;
  for await (const { sizeBytes } of world.ownStore.list("data")) bytes += sizeBytes;
  return bytes;
}

function refusing(store: ObjectStore, kinds: readonly string[]): ObjectStore {
  return {
    ...store,
    delete: async (name, options) => {
      if (kinds.some((kind) => name.startsWith(kind))) throw new EngineError("store-denied", `no: ${name}`);
      await store.delete(name, options);
    },
  };
}

describe("an order to forget", () => {
  test("removes the named snapshots and no others, with its job's grant, and in a dry run only says so", async () => {
    const [first = "", second = "", ...others] = await backUp(5);
    const absent = "ab".repeat(32);
    const dry = forgetOrder([first], { dry_run: true, grant: null });
    expect((await world.run(dry)).summary).toEqual({ snapshots_kept: 4, snapshots_removed: 1, snapshots_absent: 0 });
    expect(await stored("snapshots")).toHaveLength(5);
    expect(await world.run(forgetOrder([first, second, absent]))).toEqual({
      outcome: "completed",
      summary: { snapshots_kept: 3, snapshots_removed: 2, snapshots_absent: 1 },
    });
    expect(await stored("snapshots")).toEqual(others.toSorted());
    expect(world.opened.at(-1)).toEqual({ which: "own", useCache: true, grant: "the grant of this job" });
    expect(await stored("locks")).toEqual([]);
  });

  test("leaves three snapshots at least, or removes none", async () => {
    const ids = await backUp(4);
    expect(await world.run(forgetOrder(ids.slice(0, 2)))).toEqual({
      outcome: "failed",
      error: "too-few-snapshots",
      reason: "Of 4 snapshots 2 were to be forgotten, and at least 3 always stay: nothing was forgotten",
    });
    expect(await stored("snapshots")).toHaveLength(4);
    expect((await world.run(forgetOrder(ids.slice(0, 1)))).outcome).toBe("completed");
  });

  test("that the server lets delete nothing has failed for good, and says no name", async () => {
    const ids = await backUp(4);
    world.ownStore = refusing(world.ownStore, ["snapshots"]);
    const end = await world.run(forgetOrder(ids.slice(0, 1)));
    expect(end).toMatchObject({ outcome: "failed", error: "deletion-refused", summary: { snapshots_removed: 0 } });
    expect(JSON.stringify([end, world.said])).not.toContain("secret-plan");
  });

  test("about another machine's repository needs its password, and keeps nothing of it here", async () => {
    await writeFile(path.join(world.machine.path("files"), "theirs.txt"), "theirs");
    const made = [];
    for (let run = 0; run < 4; run++) made.push(snapshotOf(await world.backUpOther(world.machine.path("files"))));
    const other = { repository_id: otherRepositoryId, repository_path: otherPath };
    const named = made.slice(0, 1);
    expect(await world.run(forgetOrder(named, other))).toMatchObject({ outcome: "failed", error: "wrong-password" });
    const secrets = JSON.stringify({ repository_password: otherPassword });
    const sealed = await seal(await recipientOf(world.identity), new TextEncoder().encode(secrets));
    expect((await world.run(forgetOrder(named, { ...other, sealed }))).outcome).toBe("completed");
    expect(world.opened.at(-1)).toMatchObject({ which: otherPath, useCache: false });
    expect(await stored("snapshots", world.otherStore)).toHaveLength(3);
  });

  test("that takes the newest snapshot away is no sign of a server that hides one", async () => {
    const ids = await backUp(4);
    await world.run(forgetOrder(ids.slice(3)));
    expect((await readRememberedSnapshots(world.deps.home.stateFolder)).last).toBeUndefined();
    world.said.length = 0;
    await backUp(1);
    expect(world.said.filter((line) => line.startsWith("warning"))).toEqual([]);
  });
});

describe("an order to prune", () => {
  test("frees what forgotten snapshots alone needed, and the rest stays whole", async () => {
    const [first = ""] = await backUp(4);
    const before = await storedBytes();
    await world.run(forgetOrder([first]));
    const end = await world.run(pruneOrder());
    expect(end).toMatchObject({ outcome: "completed", summary: { bytes_unused: 0 } });
    const { bytes_freed: freed } = end.summary as { bytes_freed: number };
    expect(freed).toBeGreaterThan(500_000);
    expect(Math.abs(before - (await storedBytes()) - freed)).toBeLessThan(5000);
    expect((await check(await world.openOwn(), { readData: "all", lock: lockOf() })).errors).toBe(0);
  });

  test("that would delete more than its share deletes nothing", async () => {
    const ids = await backUp(4);
    await world.run(forgetOrder(ids.slice(0, 1)));
    const before = await stored("data");
    const end = await world.run(pruneOrder({ max_delete_percent: 10 }));
    expect(end).toMatchObject({ outcome: "failed", error: "deletion-refused" });
    expect(end.reason).toMatch(/^The prune would delete \d+ % of the repository, and may delete 10 %/);
    expect(await stored("data")).toEqual(before);
    expect((await world.run(pruneOrder({ max_delete_percent: 60 }))).outcome).toBe("completed");
  });

  test("in a dry run measures what forgetting would free, changes nothing, and is in nobody's way", async () => {
    const ids = await backUp(4);
    await using _lock = await lockRepository(await world.openOwn(), { ...lockOf(), exclusive: false });
    const before = await stored("data");
    const dry = pruneOrder({ dry_run: true, grant: null, without_snapshot_ids: ids.slice(0, 1) });
    const measured = await world.run(dry);
    expect(measured.outcome).toBe("completed");
    expect((measured.summary as { bytes_freed: number }).bytes_freed).toBeGreaterThan(500_000);
    expect(await stored("data")).toEqual(before);
  });

  test("that the server lets delete nothing has failed for good", async () => {
    const ids = await backUp(4);
    await world.run(forgetOrder(ids.slice(0, 1)));
    world.ownStore = refusing(world.ownStore, ["data", "index"]);
    expect(await world.run(pruneOrder())).toMatchObject({ outcome: "failed", error: "deletion-refused" });
  });
});

describe("an order to repair", () => {
  test("saves what can be read of a damaged pack, deletes it, and tells which snapshots need what is lost", async () => {
    const ids = await backUp(3);
    const repository = await world.openOwn();
    await loadIndex(repository);
    // Each backup made one pack of files.
    const packs = await Array.fromAsync(world.ownStore.list("data"));
    const damaged = packs.find(({ id }) => !repository.index.isTreePack(id))?.id ?? "";
    await damage(damaged);
    const end = await world.run(repairOrder([damaged]));
    expect(end).toMatchObject({ outcome: "completed", summary: { packs_removed: 1 } });
    const { blobs_lost: lost, snapshots_at_risk: atRisk } = end.summary as RepairSummary;
    expect(lost).toBeGreaterThan(0);
    expect(atRisk).toHaveLength(1);
    expect(ids).toContain(atRisk[0]);
    expect(await stored("data")).not.toContain(damaged);
    expect(world.opened.at(-1)).toEqual({ which: "own", useCache: false, grant: "the grant of this job" });
    expect(JSON.stringify([end, world.said])).not.toContain("secret-plan");
  });

  test("of a pack that is whole loses nothing", async () => {
    await backUp(3);
    const [pack = ""] = await stored("data");
    const end = await world.run(repairOrder([pack]));
    expect(end).toMatchObject({ outcome: "completed", summary: { blobs_lost: 0, snapshots_at_risk: [] } });
    expect((end.summary as RepairSummary).blobs_saved).toBeGreaterThan(0);
    expect((await check(await world.openOwn(), { readData: "all", lock: lockOf() })).errors).toBe(0);
  });
});

describe("an order to repair", () => {
  test("that comes again, because its end was never heard of, still tells which snapshots are at risk", async () => {
    await backUp(3);
    const repository = await world.openOwn();
    await loadIndex(repository);
    const packs = await Array.fromAsync(world.ownStore.list("data"));
    const damaged = packs.find(({ id }) => !repository.index.isTreePack(id))?.id ?? "";
    await damage(damaged);
    const first = await world.run(repairOrder([damaged]));
    const { snapshots_at_risk: atRisk } = first.summary as RepairSummary;
    expect(atRisk).toHaveLength(1);
    const again = await world.run(repairOrder([damaged], { job_id: jobId(12) }));
    expect(again).toMatchObject({ outcome: "completed", summary: { blobs_lost: 0, snapshots_at_risk: atRisk } });
  });

  test("whose index is damaged makes it anew from the packs, and loses nothing", async () => {
    await backUp(3);
    const [index] = await Array.fromAsync(world.ownStore.list("index"));
    const name = `index/${parseObjectId(index?.id ?? "")}` as const;
    await world.ownStore.delete(name);
    await world.ownStore.put(name, new Uint8Array(100));
    const end = await world.run(repairOrder([], { rebuild_index: true }));
    expect(end).toMatchObject({ outcome: "completed", summary: { snapshots_at_risk: [] } });
    expect((await check(await world.openOwn(), { readData: "all", lock: lockOf() })).errors).toBe(0);
  });
});

async function damage(pack: string): Promise<void> {
  const name = `data/${parseObjectId(pack)}` as const;
  const bytes = await world.ownStore.get(name);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await world.ownStore.delete(name);
  await world.ownStore.put(name, bytes);
}

const minuteMs = 60_000;

test.each([61, -61, 20 * 365 * 24 * 60])("with a clock that is %i minutes off nothing is deleted", async (minutes) => {
  world.serverAheadMs = minutes * minuteMs;
  for (const order of [forgetOrder(["ab".repeat(32)]), pruneOrder(), repairOrder(["ab".repeat(32)])]) {
    const end = await world.run(order);
    expect(end).toMatchObject({ outcome: "failed", error: "clock-off" });
    expect(end.reason).toContain(minutes > 0 ? "behind the server's" : "ahead of the server's");
  }
  expect(world.opened).toEqual([]);
});

test.each([59, -59])("a clock that is %i minutes off is good enough", async (minutes) => {
  world.serverAheadMs = minutes * minuteMs;
  expect((await world.run(forgetOrder(["ab".repeat(32)]))).summary).toMatchObject({ snapshots_absent: 1 });
});

function lockOf() {
  return { hostname: "other-host", username: "eve", uid: 0, gid: 0, pid: 1 };
}
