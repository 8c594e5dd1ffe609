import { beforeEach, expect, test } from "vitest";
import { backUp } from "../platform/testing/back-up.ts";
import { memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened } from "../platform/testing/test-repository.ts";
import type { BlobId } from "../format/ids.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { loadBlob } from "./load-blob.ts";
import { loadIndex } from "./load-index.ts";
import type { Repository } from "./repository.ts";
import { TreeReader } from "./tree-reader.ts";

let store: ObjectStore;
let repository: Repository;
let trees: BlobId[];
let gets: string[];

beforeEach(async () => {
  store = memoryStore();
  const folders = Array.from({ length: 300 }, (_, at) => [`folder-${at}`, { [`file-${at}`]: "" }]);
  const written = await newTestRepository(store);
  await backUp(written, memorySource({ home: Object.fromEntries(folders) }));
  gets = [];
  const listening: ObjectStore = {
    ...store,
    get: async (name, options) => {
      gets.push(name);
      return await store.get(name, options);
    },
  };
  repository = await reopened(written, listening);
  await loadIndex(repository);
  trees = [...repository.index.packs()].flatMap(({ blobs }) =>
    blobs.filter(({ type }) => type === "tree").map(({ id }) => id),
  );
  gets = [];
});

const readAll = async (reader: TreeReader) => await Promise.all(trees.map(async (id) => await reader.read(id)));

test("trees that lie together are fetched together, the first one alone", async () => {
  expect(trees.length).toBe(302);
  const reader = new TreeReader(repository);
  for (const id of trees)
    expect(await reader.read(id)).toEqual(await loadBlob({ ...repository, store }, { type: "tree", id }));
  expect(gets.length).toBe(2);
});

test("what lies before the first one of a walk comes with it: a walk goes from folders to what is in them, which was stored before", async () => {
  const reader = new TreeReader(repository);
  for (const id of trees.toReversed()) await reader.read(id);
  expect(gets.length).toBe(2);
});

test("many readers at a time fetch no more", async () => {
  const reader = new TreeReader(repository);
  await readAll(reader);
  expect(gets.length).toBeLessThan(5);
});

test("a damaged tree does not keep its neighbours from being read, and is refused", async () => {
  const [first, second] = trees as [BlobId, BlobId];
  const [location] = repository.index.find({ type: "tree", id: second });
  const name = `data/${location!.pack}` as const;
  const bytes = (await store.get(name)).slice();
  bytes[location!.offset + 20] = (bytes[location!.offset + 20] ?? 0) ^ 1;
  const damaged: ObjectStore = {
    ...store,
    get: async (wanted, { range = { start: 0, end: bytes.length } } = {}) =>
      wanted === name ? bytes.slice(range.start, range.end) : await store.get(wanted, { range }),
  };
  const reader = new TreeReader({ ...repository, store: damaged });
  for (const id of trees)
    if (id === second) await expect(reader.read(id)).rejects.toMatchObject({ code: "corrupt-data" });
    else expect((await reader.read(id)).length).toBeGreaterThan(0);
  expect(first).not.toBe(second);
});

test("what failed once is asked for again", async () => {
  let isDown = false;
  const flaky: ObjectStore = {
    ...store,
    get: async (name, options) => {
      if (isDown) throw new DOMException("given up", "AbortError");
      return await store.get(name, options);
    },
  };
  const reader = new TreeReader({ ...repository, store: flaky });
  const [first, second, third] = trees as [BlobId, BlobId, BlobId];
  await reader.read(first);
  isDown = true;
  await expect(reader.read(second)).rejects.toThrow("given up");
  isDown = false;
  expect(await reader.read(second)).toBeDefined();
  expect(await reader.read(third)).toBeDefined();
});

test("a tree that no index names is not found", async () => {
  const unknown = "0".repeat(64) as BlobId;
  await expect(new TreeReader(repository).read(unknown)).rejects.toMatchObject({ code: "not-found" });
});
