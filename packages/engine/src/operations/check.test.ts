import { beforeEach, expect, test } from "vitest";
import { objectName, type ObjectKind, type ObjectName } from "../format/object-name.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { Forger } from "../platform/testing/forger.ts";
import { memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { check } from "./check.ts";
import type { CheckRequest, CheckResult, Finding } from "./check/check-request.ts";

let store: ObjectStore;
let repository: Repository;

beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  await backUp(repository, memorySource({ home: { "notes.txt": "first", photos: { "a.jpg": "jpeg" } } }));
});

test("a sound repository has no findings", async () => {
  expect(await findings({ readData: "all" })).toMatchObject({ errors: 0, hints: 0, found: [] });
});

test("a missing pack is an error that names it, and the files that need it", async () => {
  const name = await packOf("data");
  await store.delete(name);
  const { found, suggestRepairIndex } = await findings();
  expect(found.map(({ object }) => object)).toContain(name);
  expect(suggestRepairIndex).toBe(true);
});

test("a pack of the wrong size is an error", async () => {
  const name = await packOf("data");
  await store.put(name, (await store.get(name)).slice(0, -1));
  const { found, brokenPacks } = await findings();
  expect(found).toMatchObject([{ severity: "error", object: name }]);
  expect(brokenPacks).toEqual([name.slice("data/".length)]);
});

test("a flipped bit in a blob is found by reading the data, with the pack and the offset", async () => {
  const name = await packOf("data");
  await flip(name, 40);
  expect((await findings()).errors).toBe(0);
  const { found } = await findings({ readData: "all" });
  expect(found.every(({ object }) => object === name)).toBe(true);
  expect(found.map(({ message }) => message).join("\n")).toMatch(/bytes \d+ to \d+/);
});

test("a flipped bit in a pack's header is found by reading the data", async () => {
  const name = await packOf("data");
  await flip(name, (await store.size(name)) - 20);
  expect((await findings({ readData: "all" })).found.map(({ message }) => message).join("\n")).toContain("header");
});

test("a damaged tree is an error that says which folder is lost", async () => {
  await flip(await packOf("tree"), 40);
  expect((await findings()).found[0]?.message).toMatch(/the folder .* in snapshot [0-9a-f]{8} is lost/);
});

test("an unreadable index stops the check, which says what to do", async () => {
  const [name] = await names("index");
  await flip(name!, 40);
  const { found, suggestRepairIndex } = await findings();
  expect(found).toMatchObject([{ severity: "error", object: name, message: expect.stringContaining("repair index") }]);
  expect(suggestRepairIndex).toBe(true);
});

test("a damaged snapshot is an error, and the others are still checked", async () => {
  await backUp(repository, memorySource({ home: { "other.txt": "x" } }));
  const [name] = await names("snapshots");
  await flip(name!, 40);
  expect((await findings()).found).toMatchObject([{ severity: "error", object: name }]);
});

test("a pack that no index names is a hint only: an interrupted backup leaves it", async () => {
  for (const name of await names("index")) await store.delete(name);
  for (const name of await names("snapshots")) await store.delete(name);
  const result = await findings();
  expect(result).toMatchObject({ errors: 0, hints: 2, suggestPrune: true });
});

test("a folder that can't be restored as it stands is an error: names twice or out of order, contents of another size", async () => {
  const forger = new Forger(repository);
  const file = { type: "file", size: 4, content: [forger.addBlob("data", new TextEncoder().encode("four"))] };
  const trees = [
    [
      { ...file, name: "a" },
      { ...file, name: "a" },
    ],
    [
      { ...file, name: "b" },
      { ...file, name: "a" },
    ],
    [{ ...file, name: "a", size: 5 }],
  ].map((nodes) => forger.addTree(nodes));
  await forger.store();
  for (const tree of trees) await forger.snapshot(tree);
  const { found } = await findings();
  for (const tree of trees)
    expect(found).toContainEqual(expect.objectContaining({ severity: "error", object: `tree ${tree}` }));
});

test("a part of the data may be read, and only its packs are", async () => {
  const name = await packOf("data");
  await flip(name, 40);
  const group = (Number.parseInt(name.slice(5, 7), 16) % 256) + 1;
  expect((await findings({ readData: { kind: "group", n: group, t: 256 } })).errors).toBeGreaterThan(0);
  expect((await findings({ readData: { kind: "group", n: (group % 256) + 1, t: 256 } })).errors).toBe(0);
});

test("a check does not start while somebody else works on the repository", async () => {
  await using _held = await lockRepository(repository, { ...testLock, exclusive: false });
  await expect(findings()).rejects.toMatchObject({ code: "repository-locked" });
});

async function findings(request: Partial<CheckRequest> = {}): Promise<CheckResult & { found: Finding[] }> {
  const found: Finding[] = [];
  const result = await check(await reopened(repository), {
    lock: testLock,
    onFinding: (finding) => found.push(finding),
    ...request,
  });
  return { ...result, found };
}

async function names(kind: ObjectKind): Promise<ObjectName[]> {
  const all: ObjectName[] = [];
  for await (const { id } of store.list(kind)) all.push(objectName(kind, id));
  return all;
}

async function packOf(type: "data" | "tree"): Promise<ObjectName> {
  const found = [...repository.index.packs()].find(({ blobs }) => blobs[0]?.type === type);
  return await Promise.resolve(objectName("data", found!.pack));
}

async function flip(name: ObjectName, at: number): Promise<void> {
  const bytes = await store.get(name);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.put(name, bytes);
}
