import { beforeEach, describe, expect, test } from "vitest";
import type { BlobId, ObjectId } from "../../format/ids.ts";
import { type ObjectKind, objectKinds, type ObjectName, objectName } from "../../format/object-name.ts";
import { backUp } from "../../platform/testing/back-up.ts";
import { Forger } from "../../platform/testing/forger.ts";
import { type MemorySource, memorySource } from "../../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../../platform/testing/test-repository.ts";
import { loadIndex } from "../../repository/load-index.ts";
import { loadTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import { loadSnapshots } from "../../repository/snapshots.ts";
import { memoryStore } from "../../store/memory-store.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { check } from "../check.ts";
import { repairIndex, type RepairIndexRequest, type RepairIndexResult } from "./repair-index.ts";
import { repairPacks, type RepairPacksResult } from "./repair-packs.ts";
import { repairSnapshots, type RepairSnapshotsRequest, type RepairSnapshotsResult } from "./repair-snapshots.ts";

let store: ObjectStore;
let repository: Repository;
let source: MemorySource;

beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  source = memorySource({ home: { "notes.txt": "first", photos: { "a.jpg": "jpeg a", "b.jpg": "jpeg b" } } });
  await backUp(repository, source);
});

describe("repair index", () => {
  test("finds nothing to do where the index is right", async () => {
    const before = await allNames();
    expect(await indexRepaired()).toMatchObject({ isChanged: false, packsRead: [], missingPacks: [] });
    expect(await allNames()).toEqual(before);
  });

  test.each([
    ["an index is gone", async (index: ObjectName) => store.delete(index)],
    ["an index is damaged", async (index: ObjectName) => flip(index, 40)],
    ["an index is cut short", async (index: ObjectName) => store.put(index, (await store.get(index)).slice(0, 20))],
  ])("asks the packs where %s", async (_, damage) => {
    await damage((await names("index"))[0]!);
    expect((await indexRepaired()).packsRead).toHaveLength((await names("data")).length);
    expect(await findings()).toEqual([]);
  });

  test("forgets packs that are gone, and reads those of another size than it says", async () => {
    const pack = await packOf("data");
    await store.delete(pack);
    await new Forger(repository).json("index", {
      packs: [
        { id: (await packOf("tree")).slice(5), blobs: [{ id: "ab".repeat(32), type: "tree", offset: 0, length: 99 }] },
      ],
    });
    const { missingPacks, packsRead } = await indexRepaired();
    expect(missingPacks.map((id) => objectName("data", id))).toEqual([pack]);
    expect(packsRead.map((id) => objectName("data", id))).toEqual(await names("data"));
    const reader = await reopened(repository);
    await loadIndex(reader);
    expect(reader.index.hasPack(missingPacks[0]!)).toBe(false);
    expect(reader.index.conflictingPacks()).toEqual([]);
  });

  test("does not forget a pack that only the listing leaves out", async () => {
    const forgetful: ObjectStore = {
      ...store,
      list: (kind, options) => (kind === "data" ? nothing() : store.list(kind, options)),
    };
    expect(await indexRepaired({}, forgetful)).toMatchObject({ isChanged: false, missingPacks: [] });
    expect(await findings()).toEqual([]);
  });

  test("names no pack whose own header is damaged and that it has to ask", async () => {
    const pack = await packOf("data");
    await flip(pack, (await store.size(pack)) - 20);
    const { unreadablePacks } = await indexRepaired({ readAllPacks: true });
    expect(unreadablePacks.map((id) => objectName("data", id))).toEqual([pack]);
  });

  test("believes no index if it is told so", async () => {
    await new Forger(repository).json("index", { packs: [{ id: "cd".repeat(32), blobs: [] }] });
    expect((await indexRepaired({ readAllPacks: true })).packsRead.toSorted()).toEqual(await idsOf("data"));
    expect(await names("index")).toHaveLength(1);
    expect(await findings()).toEqual([]);
  });
});

describe("repair packs", () => {
  test("saves every blob that can be read, and says which can't", async () => {
    const name = await packOf("data");
    const { offset, id } = await blobNumber(name, 1);
    await flip(name, offset + 20);
    const copies: ObjectId[] = [];
    const { salvagedBlobs, lostBlobs } = await packsRepaired([name], async (pack) => void copies.push(pack));
    expect([salvagedBlobs, lostBlobs]).toEqual([2, [{ type: "data", id }]]);
    expect(copies.map((pack) => objectName("data", pack))).toEqual([name]);
    expect(await names("data")).not.toContain(name);
    const found = await findings();
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining("1 of its 1 blobs are missing")]);
  });

  test("saves what is before the place where a pack was cut, though its header is gone", async () => {
    const name = await packOf("data");
    const { offset } = await blobNumber(name, 2);
    await store.put(name, (await store.get(name)).slice(0, offset + 10));
    const { salvagedBlobs, lostBlobs } = await packsRepaired([name]);
    expect([salvagedBlobs, lostBlobs.length]).toEqual([2, 1]);
  });

  test("takes another copy of what is damaged, if there is one", async () => {
    const name = await packOf("data");
    const { offset, id } = await blobNumber(name, 1);
    await flip(name, offset + 20);
    const forger = new Forger(repository);
    const copy = ["first", "jpeg a", "jpeg b"].map((text) => new TextEncoder().encode(text));
    expect(copy.map((bytes) => forger.addBlob("data", bytes))).toContain(id);
    await forger.store();
    expect((await packsRepaired([name])).lostBlobs).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  test("loses nothing of a pack that is sound", async () => {
    await packsRepaired([await packOf("data"), await packOf("tree")]);
    expect(await findings()).toEqual([]);
  });

  test("saves what is in a pack that no index names", async () => {
    for (const name of await names("index")) await store.delete(name);
    const [data, tree] = [await packOf("data"), await packOf("tree")];
    await packsRepaired([data, tree]);
    expect(await findings()).toEqual([]);
  });

  test("does nothing for a pack that nobody knows", async () => {
    const before = await allNames();
    const attempt = packsRepaired([objectName("data", "ab".repeat(32) as ObjectId), await packOf("data")]);
    await expect(attempt).rejects.toMatchObject({ code: "not-found" });
    expect(await allNames()).toEqual(before);
  });
});

describe("repair snapshots", () => {
  test("leaves whole snapshots as they are", async () => {
    const before = await allNames();
    expect(await snapshotsRepaired()).toEqual({ repaired: [], lost: [], forgotten: [] });
    expect(await allNames()).toEqual(before);
  });

  test("cuts what is lost out of files, and empties folders that can't be read", async () => {
    await loseBlob("jpeg a");
    const changes: string[] = [];
    const { repaired } = await snapshotsRepaired({
      onChange: ({ path, message }) => changes.push(`${path}: ${message}`),
    });
    expect(changes).toEqual(["/home/photos/a.jpg: 6 of 6 bytes are lost"]);
    const snapshots = await loadSnapshots(repository);
    const damaged = snapshots.find(({ original }) => original === undefined);
    const mended = snapshots.find(({ original }) => original !== undefined);
    expect(repaired).toEqual([{ damaged: damaged!.id, repaired: mended!.id }]);
    expect(mended).toMatchObject({
      ...damaged,
      id: mended!.id,
      tree: mended!.tree,
      tags: ["repaired"],
      original: damaged!.id,
    });
    expect(await treeAt(mended!.tree!, "home", "photos")).toMatchObject([
      { name: "a.jpg", size: 0, content: [] },
      { name: "b.jpg", size: 6 },
    ]);
  });

  test("keeps every byte of the entries that it does not change, and the zone of those that it does", async () => {
    const forger = new Forger(repository);
    const kept = forger.addBlob("data", new TextEncoder().encode("four"));
    const times = {
      mtime: "2024-01-01T00:00:00.5-05:00",
      atime: "2024-01-01T00:00:00.5-05:00",
      ctime: "2024-01-01T00:00:00.5-05:00",
    };
    const head = { type: "file", mode: 420, ...times, uid: 7, gid: 8 };
    const whole = { name: 'a,\\"content\\":[', ...head, size: 4, content: [kept] };
    const torn = { name: "b", ...head, size: 9, links: 1, content: [kept, "ab".repeat(32)] };
    await forger.snapshot(forger.addTree([whole, torn]));
    await forger.store();
    await snapshotsRepaired({ forget: true });
    const mended = (await loadSnapshots(repository)).find(({ original }) => original)!;
    const reader = await reopened(repository);
    await loadIndex(reader);

    const text = new TextDecoder().decode(await treeReaderOf(reader).read(mended.tree!));
    expect(text).toBe(`${JSON.stringify({ nodes: [whole, { ...torn, size: 4, content: [kept] }] })}\n`);
  });

  test("replaces damaged snapshots if it is to forget them, without a tag", async () => {
    await loseBlob("jpeg a");
    const { repaired, forgotten } = await snapshotsRepaired({ forget: true });
    expect(forgotten).toEqual([repaired[0]!.damaged]);
    const left = await loadSnapshots(repository);
    expect(left.map(({ id, tags }) => ({ id, tags }))).toEqual([{ id: repaired[0]!.repaired, tags: [] }]);
    expect(await findings()).toEqual([]);
  });

  test("makes no second one of what is repaired already", async () => {
    await loseBlob("jpeg a");
    const first = await snapshotsRepaired();
    expect((await snapshotsRepaired()).repaired).toEqual(first.repaired);
    expect(await names("snapshots")).toHaveLength(2);
  });

  test("says in a dry run what it would do, and changes nothing", async () => {
    await loseBlob("jpeg a");
    const before = await allNames();
    expect(await snapshotsRepaired({ dryRun: true, forget: true })).toMatchObject({
      repaired: [{ repaired: undefined }],
      forgotten: [],
    });
    expect(await allNames()).toEqual(before);
  });

  test("repairs only those that it is told to", async () => {
    await backUp(await reopened(repository), source, { hostname: "beta" });
    await loseBlob("jpeg a");
    const all = await loadSnapshots(repository);
    const wanted = all.filter(({ hostname }) => hostname === "beta");
    const { repaired } = await snapshotsRepaired({ snapshots: wanted });
    expect(repaired.map(({ damaged }) => damaged)).toEqual(wanted.map(({ id }) => id));
  });

  test("removes a snapshot of which nothing can be read only if it is to forget", async () => {
    const forger = new Forger(repository);
    const hopeless = await forger.snapshot("ab".repeat(32) as BlobId);
    expect(await snapshotsRepaired()).toMatchObject({ lost: [hopeless], forgotten: [] });
    expect(await idsOf("snapshots")).toContain(hopeless);
    expect(await snapshotsRepaired({ forget: true })).toMatchObject({ forgotten: [hopeless] });
    expect(await findings()).toEqual([]);
  });

  test("stores an empty folder anew if the one there is can't be read", async () => {
    source.put("/home/empty", {});
    await backUp(await reopened(repository), source);
    // All trees but those of the newest snapshot's root and home.
    const reader = await reopened(repository);
    await loadIndex(reader);
    const [snapshot] = (await loadSnapshots(reader)).slice(-1);
    const home = (await loadTree(reader, snapshot!.tree!))[0]!.subtree!;
    const keep = new Set<string>([snapshot!.tree!, home]);
    for (const { pack, blobs } of reader.index.packs())
      for (const { type, id, offset } of blobs)
        if (type === "tree" && !keep.has(id)) await flip(objectName("data", pack), offset + 20);
    await snapshotsRepaired({ forget: true });
    const errors = (await findings()).filter(({ object }) => !object.startsWith("data/"));
    expect(errors).toEqual([]);
  });

  test("leaves out entries whose type is none, and the second of two of one name", async () => {
    const forger = new Forger(repository);
    const file = { type: "file", content: [] };
    await forger.snapshot(
      forger.addTree([
        { ...file, name: "b" },
        { ...file, name: "a" },
        { ...file, name: "b" },
        { name: "c", type: "irregular" },
      ]),
    );
    await forger.store();
    await snapshotsRepaired({ forget: true });
    expect(await findings()).toEqual([]);
  });

  test("needs a right index", async () => {
    await flip((await names("index"))[0]!, 40);
    await expect(snapshotsRepaired()).rejects.toMatchObject({ code: "corrupt-data" });
  });
});

async function indexRepaired(request: Partial<RepairIndexRequest> = {}, on = store): Promise<RepairIndexResult> {
  return await repairIndex(await reopened(repository, on), { lock: testLock, ...request });
}

async function packsRepaired(
  packs: ObjectName[],
  keepCopy?: (pack: ObjectId) => Promise<void>,
): Promise<RepairPacksResult> {
  const ids = packs.map((name) => name.slice("data/".length) as ObjectId);
  return await repairPacks(await reopened(repository), { lock: testLock, compression: "auto", packs: ids, keepCopy });
}

async function snapshotsRepaired(request: Partial<RepairSnapshotsRequest> = {}): Promise<RepairSnapshotsResult> {
  return await repairSnapshots(await reopened(repository), { lock: testLock, compression: "auto", ...request });
}

async function findings(): Promise<{ severity: string; object: string; message: string }[]> {
  const found: { severity: string; object: string; message: string }[] = [];
  await check(await reopened(repository), {
    lock: testLock,
    readData: "all",
    onFinding: (finding) => found.push(finding),
  });
  return found;
}

/** Takes the blob with this content out of the repository. */
async function loseBlob(text: string): Promise<void> {
  const id = repository.compute.primitives.sha256(new TextEncoder().encode(text)).toHex();
  const reader = await reopened(repository);
  await loadIndex(reader);
  const [location] = reader.index.find({ type: "data", id: id as BlobId });
  await flip(objectName("data", location!.pack), location!.offset + 20);
  await packsRepaired([objectName("data", location!.pack)]);
}

async function treeAt(root: BlobId, ...folders: string[]) {
  const reader = await reopened(repository);
  await loadIndex(reader);
  let nodes = await loadTree(reader, root);
  for (const folder of folders) nodes = await loadTree(reader, nodes.find(({ name }) => name === folder)!.subtree!);
  return nodes;
}

async function blobNumber(name: ObjectName, number: number) {
  const reader = await reopened(repository);
  await loadIndex(reader);
  const pack = [...reader.index.packs()].find(({ pack: id }) => name === objectName("data", id));
  return pack!.blobs[number]!;
}

async function packOf(type: "data" | "tree"): Promise<ObjectName> {
  const found = [...repository.index.packs()].find(({ blobs }) => blobs[0]?.type === type);
  return await Promise.resolve(objectName("data", found!.pack));
}

async function names(kind: ObjectKind): Promise<ObjectName[]> {
  return (await idsOf(kind)).map((id) => objectName(kind, id));
}

async function idsOf(kind: ObjectKind): Promise<ObjectId[]> {
  const all: ObjectId[] = [];
  for await (const { id } of store.list(kind)) all.push(id);
  return all.toSorted();
}

async function allNames(): Promise<ObjectName[]> {
  return (await Promise.all(objectKinds.map(names))).flat();
}

async function flip(name: ObjectName, at: number): Promise<void> {
  const bytes = (await store.get(name)).slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.put(name, bytes);
}

async function* nothing(): AsyncGenerator<never> {
  yield* [];
}
