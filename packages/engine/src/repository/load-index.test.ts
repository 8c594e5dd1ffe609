import { beforeEach, expect, test } from "vitest";
import { backUp } from "../platform/testing/back-up.ts";
import { faultyStore } from "../platform/testing/faulty-store.ts";
import { memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened } from "../platform/testing/test-repository.ts";
import type { ObjectName } from "../format/object-name.ts";
import type { BlobLocation } from "../format/blob.ts";
import { loadIndex } from "./load-index.ts";
import type { Repository } from "./repository.ts";

let repository: Repository;
let indexes: ObjectName[];
beforeEach(async () => {
  repository = await newTestRepository();
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.txt`, `content ${i}`]));
  await backUp(repository, memorySource({ home: many }));
  await backUp(repository, memorySource({ home: { ...many, "more.txt": "more" } }));
  indexes = [];
  for await (const { id } of repository.store.list("index")) indexes.push(`index/${id}`);
  expect(indexes).toHaveLength(2);
});

test("a damaged index file rejects, so that nobody writes on what they can't know", async () => {
  const error = expect.objectContaining({ code: "corrupt-data", message: expect.stringContaining(indexes[0] ?? "") });
  await expect(loadIndex(await withDamage(indexes.slice(0, 1)))).rejects.toEqual(error);
});

test("whoever only reads finds every blob all the same, by the packs' own headers", async () => {
  await loadIndex(repository);
  for (const damaged of [indexes.slice(0, 1), indexes.slice(1), indexes]) {
    const reader = await withDamage(damaged);
    const said: string[] = [];
    await loadIndex(reader, { onDamagedIndex: (id) => said.push(`index/${id}`) });
    expect(said.toSorted()).toEqual(damaged.toSorted());
    expect(blobsOf(reader)).toEqual(blobsOf(repository));
  }
});

test("a pack whose header is damaged too is left out, and the others are found", async () => {
  await loadIndex(repository);
  const [lost] = [...repository.index.packs()];
  const pack = `data/${lost?.pack ?? expect.unreachable()}` as const;
  const reader = await withDamage([...indexes, pack]);
  await loadIndex(reader, { onDamagedIndex: () => undefined });
  const packs = [...reader.index.packs()].map((indexed) => indexed.pack);
  expect(packs).toHaveLength(repository.index.packCount - 1);
  expect(packs).not.toContain(lost?.pack);
});

test("with a sound index no pack is looked at", async () => {
  const store = faultyStore(repository.store);
  const reader = await reopened(repository, store);
  const { get: before } = { ...store.calls };
  await loadIndex(reader, { onDamagedIndex: () => expect.unreachable() });
  expect(store.calls.get - before).toBe(2);
});

async function withDamage(names: readonly ObjectName[]): Promise<Repository> {
  const damages = names.map((name) => ({ name, how: "truncate" }) as const);
  return await reopened(repository, faultyStore(repository.store, { damages }));
}

function blobsOf({ index }: Repository): string[] {
  const all: BlobLocation[] = [];
  for (const { pack, blobs } of index.packs()) for (const blob of blobs) all.push({ pack, ...blob });
  return all.map((blob) => JSON.stringify(blob)).toSorted();
}
