import { beforeEach, describe, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import type { BlobId, ObjectId } from "../format/ids.ts";
import { type ObjectKind, objectKinds, type ObjectName, objectName } from "../format/object-name.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { faultyStore, type Faults } from "../platform/testing/faulty-store.ts";
import { Forger } from "../platform/testing/forger.ts";
import { type MemorySource, memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { loadBlob } from "../repository/load-blob.ts";
import { loadIndexRows } from "../repository/load-index-rows.ts";
import { loadIndex } from "../repository/load-index.ts";
import { exclusiveLock, lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { saveIndexRows } from "../repository/save-index-rows.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { check } from "./check.ts";
import { prune } from "./prune.ts";
import { parseMaxUnused, type PruneRequest, type PruneResult } from "./prune/prune-request.ts";

const packSizeBytes = 40_000;
/** Nothing is too small, nothing unused may stay. */
const strict: Omit<PruneRequest, "lock"> = {
  compression: "auto",
  packSizeBytes,
  smallPackBytes: 1,
  maxUnused: { kind: "bytes", bytes: 0 },
};

let store: ObjectStore;
let repository: Repository;
let source: MemorySource;

/** Two snapshots; the older has files that the newer has not, which lie among others in their packs. */
beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  source = memorySource({ home: {} });
  for (let i = 0; i < 12; i++) source.put(`/home/${i % 2 ? "stays" : "goes"}/${i}`, noise(9000 + i, i));
  await backUp(repository, source, { packSizeBytes });
  source.remove("/home/goes");
  source.put("/home/new", "new since then");
  await backUp(await reopened(repository), source, { packSizeBytes });
});

describe("prune", () => {
  test("removes what only a forgotten snapshot needed, and the rest is whole", async () => {
    const { removed } = await forgetOldest();
    const sizeBefore = await sizeOf("data");
    const { stats } = await pruned();
    expect(stats.blobs).toMatchObject({ unused: 9, duplicate: 0 });
    // Six files and three folders.
    expect(stats.blobs.remove + stats.blobs.repackRemove).toBe(9);
    expect(await sizeOf("data")).toBeLessThan(sizeBefore - 50_000);
    expect(await names("snapshots")).not.toContain(removed);
    expect(await findings()).toEqual([]);
  });

  test("has nothing to do the second time, and then writes and deletes nothing but its lock", async () => {
    await forgetOldest();
    await pruned();
    const before = await allNames();
    const { stats } = await pruned();
    expect(stats.packs).toMatchObject({ repack: 0, remove: 0, unreferenced: 0 });
    expect(await allNames()).toEqual(before);
  });

  test("says in a dry run what it would do, and changes nothing", async () => {
    await forgetOldest();
    const before = await allNames();
    const planned = await pruned({ dryRun: true });
    expect(await allNames()).toEqual(before);
    expect(await pruned()).toEqual(planned);
  });

  test("counts snapshots in a dry run as gone that are about to be forgotten", async () => {
    const [oldest] = await snapshotsByAge();
    const planned = await pruned({ dryRun: true, ignoreSnapshots: new Set([oldest!]) });
    await forgetOldest();
    expect(await pruned({ dryRun: true })).toEqual(planned);
  });

  test("tells its plan before it does anything", async () => {
    await forgetOldest();
    const before = await allNames();
    let seen: unknown;
    const result = await pruned({
      onPlan: async (planned) => {
        expect((await allNames()).filter((name) => !name.startsWith("locks/"))).toEqual(before);
        seen = planned;
      },
    });
    expect(seen).toEqual(result);
  });

  test("leaves as much unused as it may", async () => {
    await forgetOldest();
    const { stats } = await pruned({ maxUnused: { kind: "unlimited" }, repackCacheableOnly: true });
    expect(stats.packs.repack).toBe(1);
    expect(await findings()).toEqual([]);
  });

  test("removes packs that no index names", async () => {
    await store.put(objectName("data", "ab".repeat(32) as ObjectId), noise(500, 1));
    const result = await pruned();
    expect(result.unreferencedPacks).toEqual(["ab".repeat(32)]);
    expect(result.stats.bytes.unreferenced).toBe(500);
    expect(await findings()).toEqual([]);
  });

  test("keeps one of several copies", async () => {
    const forger = new Forger(repository);
    await loadIndex(repository);
    for (const { blobs } of repository.index.packs())
      for (const blob of blobs) if (blob.type === "data") forger.addBlob("data", await plainOf(blob.id));
    await forger.store();
    expect((await pruned()).stats.blobs.duplicate).toBeGreaterThan(10);
    expect((await pruned()).stats.blobs.duplicate).toBe(0);
    expect(await findings()).toEqual([]);
  });

  test("parts packs that mix trees and data", async () => {
    const forger = new Forger(repository);
    const content = [forger.addBlob("data", new TextEncoder().encode("four"))];
    const tree = forger.addTree([{ name: "a", type: "file", size: 4, content }]);
    const mixed = await forger.store();
    await forger.snapshot(tree);
    expect((await pruned()).repackedPacks).toContain(mixed);
    expect(await findings()).toEqual([]);
  });

  test("compresses trees that are not, once, even where that makes them longer", async () => {
    const forger = new Forger(repository);
    const tree = forger.addTree([]);
    const raw = await forger.store();
    await forger.snapshot(tree);
    expect((await pruned()).repackedPacks).toContain(raw);
    expect((await pruned()).repackedPacks).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  test("joins small packs if there are ten, and not if there are nine", async () => {
    const fresh = async (packs: number) => {
      store = memoryStore();
      repository = await newTestRepository(store);
      const forger = new Forger(repository);
      const content = [];
      for (let i = 0; i < packs; i++) {
        content.push(forger.addBlob("data", noise(100, i)));
        await forger.store();
      }
      const tree = forger.addTree([{ name: "a", type: "file", size: 100 * packs, content }]);
      await forger.store();
      await forger.snapshot(tree);
      // The pack of the tree is repacked anyhow, because it isn't compressed.
      return (await pruned({ smallPackBytes: 10_000 })).repackedPacks.length;
    };
    expect(await fresh(9)).toBe(1);
    expect(await fresh(10)).toBe(11);
    expect(await findings()).toEqual([]);
  });

  test("joins small index files and names each pack once", async () => {
    await forgetOldest();
    for (const name of await names("index")) {
      const [, id] = name.split("/");
      const { packs, blobs, packCount } = await rowsOf(id as ObjectId);
      await saveIndexRows(repository, [{ packs, blobs, packCount }]);
    }
    await pruned();
    expect(await names("index")).toHaveLength(1);
    expect(await findings()).toEqual([]);
  });
});

describe("prune refuses, and changes nothing,", () => {
  test("where there is data and no snapshot, unless that is meant", async () => {
    for (const name of await names("snapshots")) await store.delete(name);
    await expectRefusal({ code: "invalid-input", message: /no snapshot/ });
    await pruned({ allowNoSnapshots: true });
    expect([await names("data"), await names("index")]).toEqual([[], []]);
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    ["a snapshot is damaged", async () => flip((await names("snapshots"))[0]!, 40), /snapshots\/[0-9a-f]+/],
    [
      "a snapshot has no tree",
      async () => void (await new Forger(repository).snapshot(null as never)),
      /names no tree/,
    ],
    ["a folder is damaged", async () => flip(await packOf("tree"), 40), /folder can't be read/],
    ["an index is damaged", async () => flip((await names("index"))[0]!, 40), /index\/[0-9a-f]+/],
    ["an index is missing", async () => store.delete((await names("index"))[0]!), /can't be found in the index/],
    [
      "a needed pack is missing",
      async () => store.delete(await packOf("data")),
      /packs that snapshots need are missing/,
    ],
    [
      "a needed pack has another size",
      async () => {
        const name = await packOf("data");
        await store.put(name, (await store.get(name)).slice(0, -1));
      },
      /bytes, but by the index/,
    ],
    [
      "indexes disagree about a pack",
      async () => {
        const pack = (await packOf("data")).slice("data/".length);
        const blobs = [{ id: "ab".repeat(32), type: "data", offset: 0, length: 100 }];
        await new Forger(repository).json("index", { packs: [{ id: pack, blobs }] });
      },
      /disagree about/,
    ],
  ])("where %s", async (_, damage, message) => {
    await damage();
    await expectRefusal({ code: expect.any(String), message });
  });

  test("where a snapshot vanishes between the listing and the reading", async () => {
    const gone = new EngineError("not-found", "there is no such object");
    const isSnapshot = (name: string) => name.startsWith("snapshots/");
    await expectRefusal(
      { code: "not-found" },
      { ...store, get: async (name, options) => (isSnapshot(name) ? Promise.reject(gone) : store.get(name, options)) },
    );
  });

  test.each<ObjectKind>(["snapshots", "index"])("where the second listing of %s is not the first", async (kind) => {
    await forgetOldest();
    let lists = 0;
    const forgetful: ObjectStore = {
      ...store,
      async *list(listed, options) {
        // The index is listed once more, to be loaded.
        const isLast = listed === kind && ++lists === (kind === "index" ? 3 : 2);
        let first = isLast;
        for await (const object of store.list(listed, options)) {
          if (!first) yield object;
          first = false;
        }
      },
    };
    await expectRefusal({ code: "aborted", message: /changed while/ }, forgetful);
  });

  test("where a listing fails", async () => {
    await forgetOldest();
    for (let nth = 1; nth <= 8; nth++) {
      const failing = faultyStore(store, { failures: [{ call: "list", nth }] });
      await expectRefusal({ code: "store-unavailable" }, failing);
    }
  });

  test("where the store lets nobody delete: before anything is repacked", async () => {
    await forgetOldest();
    const denied = new EngineError("store-denied", "Forbidden");
    const appendOnly: ObjectStore = {
      ...store,
      delete: async (name, options) =>
        name.startsWith("locks/") ? store.delete(name, options) : Promise.reject(denied),
    };
    await expectRefusal({ code: "store-denied", hint: expect.stringContaining("grant") }, appendOnly);
  });

  test("without a lock, except to say what it would do", async () => {
    await forgetOldest();
    const lock = { ...testLock, noLock: true };
    await expect(pruned({ lock })).rejects.toMatchObject({ code: "invalid-input" });
    expect((await pruned({ lock, dryRun: true })).stats.packs.repack).toBeGreaterThan(0);
  });

  test("while another works on the repository", async () => {
    await using _held = await lockRepository(repository, { ...testLock, exclusive: false });
    await expect(pruned()).rejects.toMatchObject({ code: "repository-locked" });
  });
});

describe("prune while it repacks", () => {
  test("removes nothing if what it copies turns out damaged", async () => {
    await forgetOldest();
    const repacked = (await pruned({ dryRun: true })).repackedPacks;
    await loadIndex(repository);
    const damaged = [...repository.index.packs()].find(
      ({ pack, blobs }) => repacked.includes(pack) && blobs[0]?.type === "data",
    );
    // Blob after blob, until one is hit that is needed.
    for (const { offset } of damaged!.blobs) await flip(objectName("data", damaged!.pack), offset + 40);
    const before = await allNames();
    await expect(pruned()).rejects.toMatchObject({
      code: "corrupt-data",
      hint: expect.stringContaining("repair packs"),
    });
    expect(await allNames()).toEqual(expect.arrayContaining(before));
  });

  test("removes nothing if a snapshot came meanwhile, of somebody who does not mind the lock", async () => {
    const { removed, bytes: forgotten } = await forgetOldest();
    const before = await allNames();
    const invaded: ObjectStore = {
      ...store,
      put: async (name, bytes) => {
        await store.put(name, bytes);
        if (name.startsWith("data/")) await store.put(removed, forgotten);
      },
    };
    await expect(pruned({}, invaded)).rejects.toMatchObject({ code: "aborted" });
    expect(await allNames()).toEqual(expect.arrayContaining(before));
    expect((await findings()).filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("goes on where it was stopped: what is repacked already is kept", async () => {
    await forgetOldest();
    const planned = await pruned({ dryRun: true });
    // Everything is written, nothing deleted.
    const faults: Faults = { failures: [{ call: "delete", nth: 2, times: 1000 }] };
    await expect(pruned({}, faultyStore(store, faults))).rejects.toMatchObject({ code: "store-unavailable" });
    await dropLocks();
    const { stats } = await pruned();
    expect(stats.packs.repack).toBe(0);
    expect(stats.packs.remove).toBe(planned.stats.packs.repack + planned.stats.packs.remove);
    expect(await findings()).toEqual([]);
  });

  test("deletes nothing more once its lock is lost", async () => {
    await forgetOldest();
    await using held = await lockRepository(repository, { ...testLock, exclusive: true });
    await held.ensureFresh();
    const before = await allNames();
    let asked = 0;
    let deletions = 0;
    const lost = new EngineError("aborted", "The lock was removed by somebody else");
    const lock = {
      signal: held.signal,
      isFresh: false,
      ensureFresh: async () => (++asked > 6 ? Promise.reject(lost) : Promise.resolve()),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const counting: ObjectStore = { ...store, delete: async (name) => (deletions++, await store.delete(name)) };
    await expect(pruned({ lock }, counting)).rejects.toBe(lost);
    expect(deletions).toBeLessThan(6);
    expect(await allNames()).toEqual(expect.arrayContaining(before.filter((name) => name.startsWith("data/"))));
    await held[Symbol.asyncDispose]();
    expect((await findings()).filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("runs under a lock that its caller holds, and leaves it held", async () => {
    await forgetOldest();
    await using held = await lockRepository(repository, { ...testLock, exclusive: true });
    await pruned({ lock: held });
    expect(await names("locks")).toHaveLength(1);
    await using again = await exclusiveLock(repository, held, {});
    await again.ensureFresh();
  });
});

test.each([
  ["5%", { kind: "percent", percent: 5 }],
  ["0.5%", { kind: "percent", percent: 0.5 }],
  ["unlimited", { kind: "unlimited" }],
  ["0", { kind: "bytes", bytes: 0 }],
  ["2G", { kind: "bytes", bytes: 2 * 1024 ** 3 }],
])("%s is an amount of unused data", (text, parsed) => {
  expect(parseMaxUnused(text)).toEqual(parsed);
});

test.each(["", "100%", "-1", "5 %", "lots", "1.5G"])("%j is none", (text) => {
  expect(() => parseMaxUnused(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
});

async function pruned(request: Partial<PruneRequest> = {}, on = store): Promise<PruneResult> {
  return await prune(await reopened(repository, on), { lock: testLock, ...strict, ...request });
}

async function expectRefusal(error: object, on = store): Promise<void> {
  const before = await allNames();
  const message =
    "message" in error && error.message instanceof RegExp ? { message: expect.stringMatching(error.message) } : {};
  await expect(pruned({}, on)).rejects.toMatchObject({ ...error, ...message });
  expect(await allNames()).toEqual(before);
}

async function snapshotsByAge(): Promise<ObjectId[]> {
  return (await loadSnapshots(repository)).map(({ id }) => id);
}

async function forgetOldest(): Promise<{ removed: ObjectName; bytes: Uint8Array }> {
  const [oldest] = await snapshotsByAge();
  const removed = objectName("snapshots", oldest!);
  const bytes = await store.get(removed);
  await store.delete(removed);
  return { removed, bytes };
}

async function findings(): Promise<{ severity: string; message: string }[]> {
  const found: { severity: string; message: string }[] = [];
  await check(await reopened(repository), {
    lock: testLock,
    readData: "all",
    onFinding: (finding) => found.push(finding),
  });
  return found;
}

async function names(kind: ObjectKind): Promise<ObjectName[]> {
  const all: ObjectName[] = [];
  for await (const { id } of store.list(kind)) all.push(objectName(kind, id));
  return all.toSorted();
}

async function allNames(): Promise<ObjectName[]> {
  return (await Promise.all(objectKinds.map(names))).flat();
}

async function dropLocks(): Promise<void> {
  for (const name of await names("locks")) await store.delete(name);
}

async function sizeOf(kind: ObjectKind): Promise<number> {
  let bytes = 0;
  for await (const { sizeBytes } of store.list(kind)) bytes += sizeBytes;
  return bytes;
}

async function packOf(type: "data" | "tree"): Promise<ObjectName> {
  const reader = await reopened(repository);
  await loadIndex(reader);
  const found = [...reader.index.packs()].find(({ blobs }) => blobs[0]?.type === type);
  return objectName("data", found!.pack);
}

async function plainOf(id: BlobId): Promise<Uint8Array> {
  return await loadBlob(repository, { type: "data", id });
}

async function rowsOf(id: ObjectId) {
  return await loadIndexRows(repository, { id, sizeBytes: 0 });
}

async function flip(name: ObjectName, at: number): Promise<void> {
  const bytes = (await store.get(name)).slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.put(name, bytes);
}

/** The same bytes for the same seed, which don't compress. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}
