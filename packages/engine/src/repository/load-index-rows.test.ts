import { beforeEach, expect, test } from "vitest";
import type { PackedBlob } from "../format/blob.ts";
import { IndexRows } from "../format/index-rows.ts";
import { type ObjectId, objectIdFromBytes, parseBlobId } from "../format/ids.ts";
import { indexFileBytes } from "../platform/testing/index-file-bytes.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { faultyStore } from "../platform/testing/faulty-store.ts";
import { newTestRepository } from "../platform/testing/test-repository.ts";
import type { IndexRowsCache } from "./index-rows-cache.ts";
import { loadIndex } from "./load-index.ts";
import type { Repository } from "./repository.ts";
import { saveIndexRows } from "./save-index-rows.ts";
import { saveUnpacked } from "./unpacked-files.ts";

let repository: Repository;
let cached: Map<ObjectId, Uint8Array>;
const memoryCache: IndexRowsCache = {
  get: async (id) => cached.get(id),
  put: async (id, sealed) => void cached.set(id, sealed),
  keepOnly: async (ids) => {
    for (const id of cached.keys()) if (!ids.has(id)) cached.delete(id);
  },
};
beforeEach(async () => {
  repository = await newTestRepository();
  cached = new Map();
});

test("an index file is decoded once: later it comes from the cache", async () => {
  await addIndexFile(2000);
  const first = await loadWithCache();
  expect([first.reads, cached.size]).toEqual([1, 1]);
  const second = await loadWithCache();
  expect(second.reads).toBe(0);
  expect(second.packs).toEqual(first.packs);
  expect(second.packs).toEqual(await packsWithoutCache());
});

test("only new index files are read from the store", async () => {
  await addIndexFile(2000);
  await loadWithCache();
  await addIndexFile(2000);
  const { reads, packs } = await loadWithCache();
  expect([reads, cached.size]).toEqual([1, 2]);
  expect(packs).toEqual(await packsWithoutCache());
});

test("what index files said that are gone from the repository counts no longer, and is forgotten", async () => {
  const gone = await addIndexFile(2000);
  const kept = await addIndexFile(1500);
  await loadWithCache();
  await repository.store.delete(`index/${gone}`);
  const { packs } = await loadWithCache();
  expect(packs).toEqual(await packsWithoutCache());
  expect([...cached.keys()]).toEqual([kept]);
});

test("damaged copies are not believed, and made anew", async () => {
  const id = await addIndexFile(2000);
  const { packs } = await loadWithCache();
  const sound = cached.get(id)?.length ?? expect.unreachable();
  for (const at of [0, 20, 60, 200, sound >> 1, sound - 1]) {
    const bytes = cached.get(id) ?? expect.unreachable();
    cached.set(id, bytes.with(at, (bytes[at] ?? 0) ^ 1));
    const again = await loadWithCache();
    expect([again.reads, again.packs]).toEqual([1, packs]);
    expect((await loadWithCache()).reads).toBe(0);
  }
});

test("one index file's copy in the place of another's is not believed", async () => {
  const [one, other] = [await addIndexFile(2000), await addIndexFile(2000)];
  await loadWithCache();
  cached.set(one, cached.get(other) ?? expect.unreachable());
  const { reads, packs } = await loadWithCache();
  expect(reads).toBe(1);
  expect(packs).toEqual(await packsWithoutCache());
});

test("an index file of one's own need not be decoded at all", async () => {
  const packs = Array.from({ length: 20 }, () => {
    const pack = new IndexRows();
    pack.addPack(newId(), newBlobs(100));
    return pack;
  });
  await saveIndexRows({ ...repository, indexRows: memoryCache }, packs);
  const loaded = await loadWithCache();
  expect([loaded.reads, cached.size]).toEqual([0, 1]);
  expect(loaded.packs).toEqual(await packsWithoutCache());
});

test("small index files are not worth a copy", async () => {
  await addIndexFile(20);
  await loadWithCache();
  expect(cached.size).toBe(0);
});

/** Stores an index file of so many blobs that nobody has, in packs of 100. */
async function addIndexFile(blobCount: number): Promise<ObjectId> {
  const packs = Array.from({ length: blobCount / 100 || 1 }, () => ({ id: newId(), blobs: newBlobs(100) }));
  return await saveUnpacked(repository, "index", indexFileBytes({ packs }));
}

function newBlobs(count: number): PackedBlob[] {
  return Array.from({ length: count }, (_, n) => ({
    type: n % 10 === 0 ? "tree" : "data",
    id: parseBlobId(newId()),
    offset: n * 1000,
    length: 1000,
    uncompressedLength: n % 3 === 0 ? 0 : 3000,
  }));
}

function newId(): ObjectId {
  return objectIdFromBytes(nodePrimitives.randomBytes(32));
}

/** Loads the index with the cache; `reads` is how many index files were read from the store for it. */
async function loadWithCache(): Promise<{ reads: number; packs: unknown }> {
  const store = faultyStore(repository.store);
  const reader = { ...repository, store, indexRows: memoryCache };
  await loadIndex(reader);
  return { reads: store.calls.get, packs: packsOf(reader) };
}

async function packsWithoutCache(): Promise<unknown> {
  const reader = { ...repository };
  await loadIndex(reader);
  return packsOf(reader);
}

function packsOf({ index }: Repository): unknown {
  return [...index.packs()].toSorted((a, b) => (a.pack < b.pack ? -1 : 1));
}
