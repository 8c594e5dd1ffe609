import { beforeEach, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import type { BlobHandle } from "../format/blob.ts";
import type { ObjectKind } from "../format/object-name.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { BlobWriter, type BlobWriterOptions } from "./blob-writer.ts";
import { loadBlob } from "./load-blob.ts";
import { loadIndex } from "./load-index.ts";
import { lockRepository, type RepositoryLock } from "./locks.ts";
import type { Repository } from "./repository.ts";

const kib = 1024;
let store: ObjectStore;
let repository: Repository;
let lock: RepositoryLock;

beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  lock = await lockRepository(repository, { ...testLock, exclusive: false });
});

test("what was saved can be loaded again after the flush, by whoever opens the repository", async () => {
  const writer = newWriter();
  const { id } = await writer.save("data", noise(100 * kib, 1));
  await writer.flush();
  expect(await loadElsewhere({ type: "data", id })).toEqual(noise(100 * kib, 1));
});

test("a blob that the repository has is not stored again", async () => {
  await saveAll([noise(10 * kib, 1)]);
  const second = await reopened(repository);
  await loadIndex(second);
  const writer = new BlobWriter(second, { lock, compression: "auto" });
  expect(await writer.save("data", noise(10 * kib, 1))).toMatchObject({ isNew: false, storedBytes: 0 });
  await writer.flush();
  expect(await count("data")).toBe(1);
});

test("the same bytes saved twice at once are stored once", async () => {
  const writer = newWriter();
  const [first, second] = await Promise.all([writer.save("data", noise(kib, 1)), writer.save("data", noise(kib, 1))]);
  expect([first.isNew, second.isNew].filter(Boolean)).toHaveLength(1);
});

test("the same bytes as data and as a tree are two blobs in two packs", async () => {
  const writer = newWriter();
  const bytes = noise(kib, 1);
  await writer.save("data", bytes);
  expect((await writer.save("tree", bytes)).isNew).toBe(true);
  await writer.flush();
  expect(await count("data")).toBe(2);
});

test("a pack is closed when it has its size, so many blobs become several packs", async () => {
  await saveAll(
    Array.from({ length: 8 }, (_, seed) => noise(64 * kib, seed)),
    { packSizeBytes: 128 * kib },
  );
  expect(await count("data")).toBe(4);
});

test("nothing is named by an index before its pack is stored", async () => {
  const order: string[] = [];
  repository = {
    ...repository,
    store: {
      ...store,
      put: async (name, bytes) => (order.push(name.split("/")[0] ?? ""), await store.put(name, bytes)),
    },
  };
  await saveAll(
    Array.from({ length: 6 }, (_, seed) => noise(64 * kib, seed)),
    { packSizeBytes: 64 * kib },
  );
  expect(order.lastIndexOf("data")).toBeLessThan(order.indexOf("index"));
});

test("when an upload fails the flush fails, and the index names only what is stored", async () => {
  let puts = 0;
  const failing: ObjectStore = {
    ...store,
    put: async (name, bytes) => {
      if (name.startsWith("data/") && ++puts === 3) throw new EngineError("store-full", "no space");
      await store.put(name, bytes);
    },
  };
  repository = { ...repository, store: failing };
  const writer = newWriter({ packSizeBytes: 64 * kib, uploadsAtOnce: 1 });
  const saving = async () => {
    for (let seed = 0; seed < 6; seed++) await writer.save("data", noise(64 * kib, seed));
    await writer.flush();
  };
  await expect(saving()).rejects.toMatchObject({ code: "store-full" });
  await writer[Symbol.asyncDispose]();
  const second = await reopened(repository, store);
  await loadIndex(second);
  const stored = new Set<string>();
  for await (const { id } of store.list("data")) stored.add(id);
  const named = [...second.index.packs()].map(({ pack }) => pack);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((pack) => !stored.has(pack))).toEqual([]);
});

test("work that is given up is still indexed, so that the next run finds it", async () => {
  {
    await using writer = newWriter({ packSizeBytes: 64 * kib });
    await writer.save("data", noise(64 * kib, 1));
  }
  const second = await reopened(repository);
  await loadIndex(second);
  expect(second.index.blobCount).toBe(1);
});

test("after the lock is lost no index is written, because somebody may have pruned the packs", async () => {
  const lost: RepositoryLock = { ...lock, isFresh: false, signal: lock.signal, ensureFresh: () => Promise.resolve() };
  {
    await using writer = newWriter({ packSizeBytes: 64 * kib, lock: lost });
    await writer.save("data", noise(64 * kib, 1));
  }
  expect(await count("index")).toBe(0);
});

test("a dry run counts what it would add and stores nothing", async () => {
  const writer = newWriter({ dryRun: true });
  expect((await writer.save("data", noise(kib, 1))).storedBytes).toBeGreaterThan(0);
  await writer.flush();
  expect([await count("data"), await count("index")]).toEqual([0, 0]);
});

test("trees are compressed even where compression is off", async () => {
  const writer = newWriter({ compression: "off" });
  const text = new TextEncoder().encode(`{"nodes":[${'"same",'.repeat(1000)}0]}`);
  const tree = await writer.save("tree", text);
  const data = await writer.save("data", text);
  expect(tree.storedBytes).toBeLessThan(text.length / 10);
  expect(data.storedBytes).toBeGreaterThan(text.length);
});

function newWriter(options: Partial<BlobWriterOptions> = {}): BlobWriter {
  return new BlobWriter(repository, { lock, compression: "auto", ...options });
}

async function saveAll(blobs: readonly Uint8Array[], options: Partial<BlobWriterOptions> = {}): Promise<void> {
  const writer = newWriter(options);
  for (const blob of blobs) await writer.save("data", blob);
  await writer.flush();
}

async function loadElsewhere(handle: BlobHandle): Promise<Uint8Array> {
  const second = await reopened(repository);
  await loadIndex(second);
  return await loadBlob(second, handle);
}

async function count(kind: ObjectKind): Promise<number> {
  let objects = 0;
  for await (const _object of store.list(kind)) objects += 1;
  return objects;
}

/** Bytes that don't compress, the same for the same seed. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
