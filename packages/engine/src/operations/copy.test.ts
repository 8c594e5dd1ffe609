import { beforeEach, expect, test } from "vitest";
import { objectName, type ObjectKind, type ObjectName } from "../format/object-name.ts";
import type { BlobType } from "../format/blob.ts";
import { parseBlobId } from "../format/ids.ts";
import { encodeConfig } from "../format/config.ts";
import { seal } from "../crypto/seal.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { type Faults, faultyStore } from "../platform/testing/faulty-store.ts";
import { Forger } from "../platform/testing/forger.ts";
import { type MemorySource, memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { loadBlob } from "../repository/load-blob.ts";
import { loadIndex } from "../repository/load-index.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { check } from "./check.ts";
import { copy } from "./copy.ts";
import type { CopiedSnapshot, CopyProgress, CopyRequest, CopyResult } from "./copy/copy-request.ts";
import { loadUnpacked } from "../repository/unpacked-files.ts";
import { listSnapshots } from "./snapshots.ts";
import { tagSnapshots } from "./tag.ts";

let files: MemorySource;
let source: Repository;
let store: ObjectStore;
let destination: Repository;

beforeEach(async () => {
  source = await newTestRepository();
  store = memoryStore();
  destination = await newTestRepository(store);
  files = memorySource({ home: { "notes.txt": "some text ".repeat(500), photos: { "a.jpg": noise(40_000, 1) } } });
  await backUp(source, files, { tags: ["first"] });
  files.put("/home/photos/b.jpg", noise(30_000, 2));
  await backUp(source, files, { tags: ["second"] });
});

test("a copy has the same tree and says the same, but where it comes from", async () => {
  expect(await copyAll()).toMatchObject({ copied: 2, skipped: 0, cutAlike: false });
  const originals = await listSnapshots(source);
  expect(await listSnapshots(destination)).toEqual(
    originals.map((original) => ({
      ...original,
      id: expect.any(String) as string,
      parent: undefined,
      original: original.id,
    })),
  );
  expect(await errorsIn(destination)).toBe(0);
});

test("the copy of a copy still names the first snapshot of all", async () => {
  await copyAll();
  const third = await newTestRepository();
  await copyAll({}, destination, third);
  const first = (await listSnapshots(source)).map(({ id }) => id);
  expect((await listSnapshots(third)).map(({ original }) => original)).toEqual(first);
});

test("a second copy finds everything there, and sends nothing", async () => {
  await copyAll();
  const before = await namesIn(store);
  const seen: CopiedSnapshot[] = [];
  const result = await copyAll({ onSnapshot: (copied) => seen.push(copied) });
  expect(result).toMatchObject({ copied: 0, skipped: 2, blobsAdded: 0, bytesAdded: 0 });
  expect(seen.map(({ isNew }) => isNew)).toEqual([false, false]);
  expect(await namesIn(store)).toEqual(before);
});

test("only the blobs that the destination lacks are read from the source", async () => {
  await copyAll({ chooseSnapshots: async (from) => (await listSnapshots(from)).slice(0, 1) });
  const { blobsAdded } = await copyAll();
  // The new picture, and the folders above it: `photos`, `home` and the root.
  expect(blobsAdded).toBe(4);
  expect(await errorsIn(destination)).toBe(0);
});

test("a snapshot whose tags were changed since is another one, and is copied again", async () => {
  await copyAll();
  const change = { add: ["kept"], remove: [] };
  await tagSnapshots(source, { change, filter: { tagLists: [["first"]] }, lock: testLock });
  expect(await copyAll()).toMatchObject({ copied: 1, skipped: 1, blobsAdded: 0 });
});

test("what other programs say of a snapshot goes with it, but not its parents", async () => {
  const forger = new Forger(source);
  const [first] = await listSnapshots(source);
  const parents = ["ab".repeat(32)];
  await forger.snapshot(first!.tree!, { label: "weekly", parents, parent: parents[0] });
  await copyAll();
  const { id } = (await listSnapshots(destination)).find(({ hostname }) => hostname === "mallory")!;
  const json = JSON.parse(new TextDecoder().decode(await loadUnpacked(destination, "snapshots", id))) as object;
  expect(json).toMatchObject({ label: "weekly", paths: ["/forged"] });
  expect(Object.keys(json)).not.toEqual(expect.arrayContaining(["parent"]));
  expect(Object.keys(json)).not.toEqual(expect.arrayContaining(["parents"]));
});

test("what was compressed is carried over as it is", async () => {
  await copyAll();
  const lengths = async (repository: Repository) => await lengthsIn(await reopened(repository));
  expect(await lengths(destination)).toEqual(await lengths(source));
});

test("another level than the usual compresses the data anew, but trees always stay compressed", async () => {
  await copyAll({ compression: "off" });
  const lengths = [...(await lengthsIn(await reopened(destination))).entries()];
  const isCompressed = (type: BlobType) =>
    lengths.filter(([name]) => name.startsWith(type)).map(([, { uncompressed }]) => uncompressed > 0);
  expect(isCompressed("data")).toEqual([false, false, false]);
  expect(isCompressed("tree").every(Boolean)).toBe(true);
  expect(await errorsIn(destination)).toBe(0);
});

test("a destination of version 1 gets nothing compressed", async () => {
  await becomeVersion1(destination);
  await copyAll();
  expect([...(await lengthsIn(destination)).values()].every(({ uncompressed }) => uncompressed === 0)).toBe(true);
  expect(await errorsIn(destination)).toBe(0);
});

test("a tree that no program of today would write is copied byte for byte", async () => {
  const forger = new Forger(source);
  const odd = `{"nodes":[{"zzz":1,"type":"symlink","linktarget":"\\ufffd","mode":134218239,"name":"odd","content":null}] }`;
  await forger.snapshot(forger.addTree(odd));
  await forger.store();
  await copyAll();
  const tree = (await listSnapshots(destination)).find(({ hostname }) => hostname === "mallory")?.tree;
  await loadIndex(destination);
  const copied = await loadBlob(destination, { type: "tree", id: tree! });
  expect(new TextDecoder().decode(copied)).toBe(odd);
});

test("a damaged blob ends the copy with its place, its file and its snapshot, and no snapshot needs it", async () => {
  const pack = (await packsOf(source, "data"))[0]!;
  await flip(source.store, pack, 40);
  const failure = copyAll();
  await expect(failure).rejects.toMatchObject({ code: "corrupt-data" });
  await expect(failure).rejects.toThrow(/^\/home\/\S+ of snapshot [0-9a-f]{8} can't be copied: .*data\/[0-9a-f]{64}/);
  await expect(failure).rejects.toThrow(pack);
  expect(await listSnapshots(destination)).toEqual([]);
  expect(await errorsIn(destination)).toBe(0);
});

test("a blob that is damaged in one pack comes from another that has it too", async () => {
  await loadIndex(source);
  const [location] = source.index.find({ type: "data", id: (await blobsOf(source, "data"))[0]! });
  const forger = new Forger(source);
  forger.addBlob("data", await loadBlob(source, location!));
  await forger.store();
  await flip(source.store, objectName("data", location!.pack), location!.offset + 30);
  expect(await copyAll()).toMatchObject({ copied: 2 });
  expect(await errorsIn(destination)).toBe(0);
});

test("a blob that no index names ends the copy with the file that needs it", async () => {
  const forger = new Forger(source);
  const gone = parseBlobId("ab".repeat(32));
  const node = { name: "lost.txt", type: "file", mode: 420, mtime: "2024-01-01T00:00:00Z", content: [gone] };
  await forger.snapshot(forger.addTree([node]), { time: "2020-01-01T00:00:00Z" });
  await forger.store();
  await expect(copyAll()).rejects.toThrow(/^\/lost\.txt of snapshot .*abababab is in no index/);
});

test("a damaged folder is named", async () => {
  await flip(source.store, (await packsOf(source, "tree"))[0]!, 40);
  await expect(copyAll()).rejects.toThrow(/^\/\S* of snapshot [0-9a-f]{8} can't be copied/);
  expect(await listSnapshots(destination)).toEqual([]);
});

test("nobody may prune either repository meanwhile", async () => {
  for (const repository of [source, destination]) {
    await using _held = await lockRepository(repository, { ...testLock, exclusive: true });
    await expect(copyAll()).rejects.toMatchObject({ code: "repository-locked" });
  }
  expect(await namesIn(store, "locks")).toEqual([]);
  expect(await namesIn(source.store, "locks")).toEqual([]);
});

test("a source that can't be written is copied without a lock in it", async () => {
  const readOnly: Faults = { failAfterPuts: 0 };
  const from = await reopened(source, faultyStore(source.store, readOnly));
  await expect(copyAll({}, from)).rejects.toMatchObject({ code: "store-unavailable" });
  expect(await copyAll({ sourceLock: { ...testLock, noLock: true } }, from)).toMatchObject({ copied: 2 });
});

test("the progress ends with everything done", async () => {
  const steps: CopyProgress[] = [];
  await copyAll({ onProgress: (step) => steps.push(step) });
  const last = steps.at(-1)!;
  expect(last).toMatchObject({ snapshotsDone: 2, snapshotsTotal: 2, blobsDone: last.blobsTotal });
  expect(last.bytesDone).toBe(last.bytesTotal);
  expect(last.bytesTotal).toBeGreaterThan(70_000);
});

test("with small packs several batches are made, each with its snapshots at its end", async () => {
  const order: string[] = [];
  const watched: ObjectStore = {
    ...store,
    put: async (name, bytes, options) => {
      order.push(name.split("/")[0]!);
      await store.put(name, bytes, options);
    },
  };
  await copyAll({ packSizeBytes: 400 }, source, await reopened(destination, watched));
  const written = order.filter((kind) => kind !== "locks").join(" ");
  expect(written).toMatch(/^(data )+index snapshots (data )+index snapshots$/);
});

async function copyAll(request: Partial<CopyRequest> = {}, from = source, to = destination): Promise<CopyResult> {
  return await copy(await reopened(from), await reopened(to), {
    chooseSnapshots: async (repository) => await listSnapshots(repository),
    lock: testLock,
    sourceLock: testLock,
    compression: "auto",
    ...request,
  });
}

async function errorsIn(repository: Repository): Promise<number> {
  return (await check(await reopened(repository), { lock: testLock, readData: "all" })).errors;
}

async function namesIn(of: ObjectStore, ...kinds: ObjectKind[]): Promise<ObjectName[]> {
  const names: ObjectName[] = [];
  for (const kind of kinds.length > 0 ? kinds : (["data", "index", "snapshots"] as const))
    for await (const { id } of of.list(kind)) names.push(objectName(kind, id));
  return names.toSorted();
}

/** What each blob takes in its pack, and before compression. */
async function lengthsIn(repository: Repository): Promise<Map<string, { stored: number; uncompressed: number }>> {
  await loadIndex(repository);
  const blobs = [...repository.index.packs()].flatMap((pack) => pack.blobs);
  return new Map(
    blobs
      .map(({ type, id, length, uncompressedLength }): [string, { stored: number; uncompressed: number }] => [
        `${type}/${id}`,
        { stored: length, uncompressed: uncompressedLength },
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function blobsOf(repository: Repository, type: BlobType) {
  await loadIndex(repository);
  return [...repository.index.packs()].flatMap(({ blobs }) =>
    blobs.flatMap((blob) => (blob.type === type ? blob.id : [])),
  );
}

async function packsOf(repository: Repository, type: BlobType): Promise<ObjectName[]> {
  await loadIndex(repository);
  return [...repository.index.packs()].flatMap(({ pack, blobs }) =>
    blobs[0]?.type === type ? objectName("data", pack) : [],
  );
}

async function flip(of: ObjectStore, name: ObjectName, at: number): Promise<void> {
  const bytes = (await of.get(name)).slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await of.put(name, bytes);
}

async function becomeVersion1({ store: of, compute, masterKey, config }: Repository): Promise<void> {
  const bytes = seal(compute.primitives, masterKey, encodeConfig({ ...config, version: 1 }));
  await of.delete("config");
  await of.put("config", bytes);
}

function noise(length: number, seed: number): Uint8Array {
  let state = seed * 7919;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24);
}
