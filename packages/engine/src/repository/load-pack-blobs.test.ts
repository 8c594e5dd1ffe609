import { beforeEach, expect, test } from "vitest";
import type { BlobLocation } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ByteRange, ObjectStore } from "../store/object-store.ts";
import { BlobWriter } from "./blob-writer.ts";
import { loadIndex } from "./load-index.ts";
import { loadPackBlobs } from "./load-pack-blobs.ts";
import { lockRepository } from "./locks.ts";
import type { Repository } from "./repository.ts";

const mib = 1024 * 1024;
let store: ObjectStore;
let reads: ByteRange[];
let repository: Repository;
let pack: ObjectId;
let locations: BlobLocation[];

beforeEach(async () => {
  store = memoryStore();
  reads = [];
  const watched: ObjectStore = {
    ...store,
    get: async (name, options) => {
      if (options?.range) reads.push(options.range);
      return await store.get(name, options);
    },
  };
  repository = await newTestRepository(watched);
  await save([0.5, 0.6, 0.7, 1.5, 0.8].map(blobOf), 64 * mib);
  [{ pack, blobs: locations }] = [...repository.index.packs()].map((entry) => ({
    pack: entry.pack,
    blobs: entry.blobs.map((blob) => ({ ...blob, pack: entry.pack })).sort((a, b) => a.offset - b.offset),
  })) as [{ pack: ObjectId; blobs: BlobLocation[] }];
});

test("neighbouring blobs come with one read, whatever order they are asked in", async () => {
  const loaded = await load([locations[2]!, locations[0]!, locations[1]!]);
  expect(loaded.map(({ location }) => location.offset)).toEqual([0, 1, 2].map((i) => locations[i]!.offset));
  expect(reads).toEqual([{ start: 0, end: locations[2]!.offset + locations[2]!.length }]);
});

test("a small gap is read over, a large one is not", async () => {
  await load([locations[0]!, locations[2]!]);
  expect(reads).toHaveLength(1);
  reads = [];
  await load([locations[2]!, locations[4]!]);
  expect(reads).toHaveLength(2);
});

test("each blob is opened and checked", async () => {
  for (const { location, plain } of await load(locations))
    expect(plain?.length).toBe(location.uncompressedLength || location.length - 32);
});

test("of a damaged pack the sound blobs still come, and the damaged one is named with its place", async () => {
  await damage(pack, locations[1]!.offset + 40);
  const loaded = await load(locations);
  expect(loaded.map(({ error }) => error?.code)).toEqual([undefined, "corrupt-data", undefined, undefined, undefined]);
  expect(loaded[1]!.error?.message).toContain(`data/${pack}, bytes ${locations[1]!.offset} to`);
});

test("a damaged copy is replaced by another copy", async () => {
  await damage(pack, locations[1]!.offset + 40);
  repository = await reopened(repository);
  await save([blobOf(0.6)], 64 * mib);
  await loadIndex(repository);
  expect((await load(locations)).map(({ error }) => error)).toEqual(Array(5).fill(undefined));
});

test("a pack that is cut short still gives the blobs before the cut", async () => {
  const bytes = await store.get(`data/${pack}`);
  await store.put(`data/${pack}`, bytes.slice(0, locations[3]!.offset + 10));
  const loaded = await load(locations);
  expect(loaded.map(({ error }) => error === undefined)).toEqual([true, true, true, false, false]);
});

function blobOf(sizeMib: number): Uint8Array {
  return Uint8Array.from({ length: sizeMib * mib }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 13) ^ (sizeMib * 100));
}

async function save(blobs: readonly Uint8Array[], packSizeBytes: number): Promise<void> {
  const lock = await lockRepository(repository, { ...testLock, exclusive: false });
  await using writer = new BlobWriter(repository, { lock, compression: "off", packSizeBytes });
  for (const blob of blobs) await writer.save("data", blob);
  await writer.flush();
}

async function load(blobs: readonly BlobLocation[]) {
  const loaded: { location: BlobLocation; plain?: Uint8Array; error?: { code: string; message: string } }[] = [];
  for await (const item of loadPackBlobs(repository, pack, blobs)) loaded.push(item);
  return loaded;
}

async function damage(id: ObjectId, at: number): Promise<void> {
  const bytes = await store.get(`data/${id}`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.put(`data/${id}`, bytes);
}
