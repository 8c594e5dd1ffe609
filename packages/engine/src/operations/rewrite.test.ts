import { beforeEach, expect, test } from "vitest";
import type { ObjectName } from "../format/object-name.ts";
import { everything, excludeFilter, includeFilter } from "../pattern/path-filter.ts";
import { parsePatterns } from "../pattern/pattern-list.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { Forger } from "../platform/testing/forger.ts";
import { directory, type MemorySource, memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { loadIndex } from "../repository/load-index.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadUnpacked } from "../repository/unpacked-files.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { check } from "./check.ts";
import { listFiles } from "./list-files.ts";
import { rewrite } from "./rewrite.ts";
import type { RewriteRequest, RewriteResult, RewrittenSnapshot } from "./rewrite/rewrite-request.ts";
import { findSnapshot, listSnapshots } from "./snapshots.ts";

let files: MemorySource;
let store: ObjectStore;
let repository: Repository;

beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  files = memorySource({
    home: {
      "notes.txt": "notes",
      "secret.key": "secret",
      photos: { "a.jpg": "jpeg", "b.key": "key", empty: directory({}) },
      music: { "song.ogg": "ogg" },
    },
  });
  await backUp(repository, files, { tags: ["first"] });
});

const without = (...patterns: string[]) => excludeFilter(parsePatterns(patterns));
const only = (...patterns: string[]) => includeFilter(parsePatterns(patterns));

test("what is left out is gone from the new snapshot, and the old one is still there", async () => {
  const [old] = await listSnapshots(repository);
  expect(await rewriteAll({ filter: without("*.key") })).toEqual({ changed: 1, unchanged: 0, forgotten: 0 });
  const [rewritten] = (await listSnapshots(repository)).filter(({ id }) => id !== old!.id);
  expect(await pathsIn(old!.id)).toContain("/home/secret.key");
  expect(await pathsIn(rewritten!.id)).toEqual([
    "/home",
    "/home/music",
    "/home/music/song.ogg",
    "/home/notes.txt",
    "/home/photos",
    "/home/photos/a.jpg",
    "/home/photos/empty",
  ]);
  expect(rewritten).toEqual({
    ...old,
    id: rewritten!.id,
    tree: rewritten!.tree,
    original: old!.id,
    tags: ["first", "rewrite"],
    summary: { ...old!.summary, totalFilesProcessed: 3, totalBytesProcessed: 12 },
  });
  expect(await errorsFound()).toBe(0);
});

test("the new trees are those that a backup without these files makes", async () => {
  await rewriteAll({ filter: without("*.key"), forget: true });
  const [rewritten] = await listSnapshots(repository);
  files.remove("/home/secret.key");
  files.remove("/home/photos/b.key");
  const { snapshot } = await backUp(repository, files, { parent: "none" });
  expect(rewritten!.tree).toBe(snapshot.tree);
});

test("folders in which nothing changes keep their trees", async () => {
  const before = await treesIn(store);
  await rewriteAll({ filter: without("/home/photos/b.key") });
  // `photos`, `home` and the root are new, `music` and `empty` are not.
  expect((await treesIn(store)).length).toBe(before.length + 3);
});

test("with forget the old snapshot goes once the new one is there, which has no tag for it", async () => {
  const [old] = await listSnapshots(repository);
  expect(await rewriteAll({ filter: without("*.key"), forget: true })).toMatchObject({ changed: 1, forgotten: 1 });
  const [rewritten, ...others] = await listSnapshots(repository);
  expect([rewritten!.tags, rewritten!.original, others]).toEqual([["first"], old!.id, []]);
});

test("an include keeps what matches and the way to it, and folders that match though they are empty", async () => {
  await rewriteAll({ filter: only("*.jpg"), forget: true });
  expect(await pathsIn("latest")).toEqual(["/home", "/home/photos", "/home/photos/a.jpg"]);
});

test("an include keeps an empty folder only if it matches", async () => {
  await rewriteAll({ filter: only("/home/photos/empty"), forget: true });
  expect(await pathsIn("latest")).toEqual(["/home", "/home/photos", "/home/photos/empty"]);
});

test("an include that fits nothing leaves the snapshot as it is, an exclude of everything leaves an empty one", async () => {
  expect(await rewriteAll({ filter: only("*.zzz"), forget: true })).toEqual({ changed: 0, unchanged: 1, forgotten: 0 });
  expect(await rewriteAll({ filter: without("*"), forget: true })).toMatchObject({ changed: 1 });
  expect(await pathsIn("latest")).toEqual([]);
});

test("a snapshot that needs no change is left alone, and says so", async () => {
  const before = await namesIn(store);
  const seen: RewrittenSnapshot[] = [];
  const onSnapshot = (rewritten: RewrittenSnapshot) => seen.push(rewritten);
  expect(await rewriteAll({ filter: without("*.zzz"), onSnapshot })).toMatchObject({ changed: 0, unchanged: 1 });
  expect(seen).toMatchObject([{ isChanged: false, newId: undefined }]);
  expect(await namesIn(store)).toEqual(before);
});

test("the same rewriting once more finds the new snapshot, and stores nothing", async () => {
  const [old] = await listSnapshots(repository);
  const request = { filter: without("*.key"), chooseSnapshots: () => Promise.resolve([old!]) };
  const seen: RewrittenSnapshot[] = [];
  const onSnapshot = (rewritten: RewrittenSnapshot) => seen.push(rewritten);
  await rewriteAll({ ...request, onSnapshot });
  const before = await namesIn(store);
  await rewriteAll({ ...request, onSnapshot });
  expect(await namesIn(store)).toEqual(before);
  expect(seen[1]!.newId).toBe(seen[0]!.newId);
});

test("host and time are changed without a look at the trees", async () => {
  const [old] = await listSnapshots(repository);
  const pack = (await namesIn(store)).filter((name) => name.startsWith("data/"));
  for (const name of pack) await store.delete(name);
  await rewriteAll({ hostname: "beta", timeNs: 1_500_000_000_000_000_000n, forget: true });
  const [rewritten] = await listSnapshots(repository);
  expect(rewritten).toMatchObject({ hostname: "beta", tree: old!.tree, summary: old!.summary, original: old!.id });
  expect(Date.parse(rewritten!.time)).toBe(1_500_000_000_000);
});

test("what a snapshot does not say is counted for it", async () => {
  const forger = new Forger(repository);
  const [old] = await listSnapshots(repository);
  await forger.snapshot(old!.tree!, { label: "weekly", time: "2020-01-01T00:00:00Z" });
  await rewriteAll({ summarize: true, forget: true });
  const summarized = (await listSnapshots(repository)).find(({ hostname }) => hostname === "mallory");
  expect(summarized?.summary).toMatchObject({
    backupStart: "0001-01-01T00:00:00Z",
    filesNew: 0,
    totalFilesProcessed: 5,
    totalBytesProcessed: 21,
  });
  // What only the other program understands is still there.
  const json = new TextDecoder().decode(await loadUnpacked(repository, "snapshots", summarized!.id));
  expect(json).toContain(`"label":"weekly"`);
  expect(await rewriteAll({ summarize: true })).toMatchObject({ changed: 0 });
});

test("a dry run says what it would do, and does nothing", async () => {
  const before = await namesIn(store);
  const leftOut: string[] = [];
  const seen: RewrittenSnapshot[] = [];
  const result = await rewriteAll({
    filter: without("*.key", "/home/music"),
    forget: true,
    dryRun: true,
    onLeftOut: (path) => leftOut.push(path),
    onSnapshot: (rewritten) => seen.push(rewritten),
  });
  expect(result).toEqual({ changed: 1, unchanged: 0, forgotten: 0 });
  expect(leftOut).toEqual(["/home/music", "/home/photos/b.key", "/home/secret.key"]);
  expect(seen).toMatchObject([{ isChanged: true, newId: undefined }]);
  expect(await namesIn(store)).toEqual(before);
});

const odd = (name: string) => ({
  zzz: 1,
  name,
  type: "file",
  mode: 420,
  mtime: "2024-01-01T00:00:00Z",
  atime: "2024-01-01T00:00:00Z",
  ctime: "2024-01-01T00:00:00Z",
  uid: 0,
  gid: 0,
  content: [],
});

test("a folder that says more than we understand is not written anew, and nothing at all is changed", async () => {
  const forger = new Forger(repository);
  await forger.snapshot(forger.addTree([odd("a.key"), odd("b.txt")]), { time: "2030-01-01T00:00:00Z" });
  await forger.store();
  const before = await namesIn(store, "snapshots");
  const failure = rewriteAll({ filter: without("*.key"), forget: true });
  await expect(failure).rejects.toMatchObject({ code: "unsupported" });
  await expect(failure).rejects.toThrow(/^Snapshot [0-9a-f]{8} can't be rewritten: \/ was written by a program/);
  expect(await namesIn(store, "snapshots")).toEqual(before);
});

test("such a folder stays as it is where nothing in it changes", async () => {
  const forger = new Forger(repository);
  const inner = forger.addTree([odd("b.txt")]);
  const { zzz: _, content: _none, ...entry } = odd("folder");
  const folder = { ...entry, type: "dir", mode: 2_147_484_141, content: null, subtree: inner };
  const key = { ...entry, name: "x.key", content: [] };
  await forger.snapshot(forger.addTree([folder, key]), { time: "2030-01-01T00:00:00Z" });
  await forger.store();
  await rewriteAll({ filter: without("*.key"), forget: true });
  expect(await pathsIn("latest")).toEqual(["/folder", "/folder/b.txt"]);
  await loadIndex(repository);
  const { snapshot } = await findSnapshot(repository, "latest");
  for await (const { path, node } of listFiles(repository, snapshot))
    if (path === "/folder") expect(node.subtree).toBe(inner);
});

test("a folder that can't be read ends it, named, and nothing is changed", async () => {
  const before = await namesIn(store, "snapshots");
  await loadIndex(repository);
  const [tree] = [...repository.index.packs()].filter(({ blobs }) => blobs[0]?.type === "tree");
  const bytes = (await store.get(`data/${tree!.pack}`)).slice();
  await store.put(`data/${tree!.pack}`, bytes.fill(0, 0, 200));
  await expect(rewriteAll({ filter: without("*.key") })).rejects.toThrow(
    /^Snapshot [0-9a-f]{8} can't be rewritten: \//,
  );
  expect(await namesIn(store, "snapshots")).toEqual(before);
});

test("removing the old ones needs the repository alone, making new ones does not", async () => {
  await using _held = await lockRepository(repository, { ...testLock, exclusive: false });
  await expect(rewriteAll({ filter: without("*.key"), forget: true })).rejects.toMatchObject({
    code: "repository-locked",
  });
  expect(await rewriteAll({ filter: without("*.key") })).toMatchObject({ changed: 1 });
});

test.each([{}, { summarize: false, hostname: "" }])("with nothing to do (%j) it is refused", async (request) => {
  await expect(rewriteAll(request)).rejects.toMatchObject({ code: "invalid-input" });
});

test("what later snapshots share with earlier ones is looked at once", async () => {
  for (let n = 0; n < 5; n++) {
    files.put("/home/music/song.ogg", `song ${n}`);
    await backUp(repository, files);
  }
  const leftOut: string[] = [];
  const onLeftOut = (path: string) => leftOut.push(path);
  expect(await rewriteAll({ filter: without("/home/photos/b.key"), onLeftOut })).toMatchObject({ changed: 6 });
  expect(leftOut).toEqual(["/home/photos/b.key"]);
  expect(await errorsFound()).toBe(0);
});

test("the same folder in another place is another matter", async () => {
  files.put("/home/photos copy", { "a.jpg": "jpeg", "b.key": "key", empty: directory({}) });
  await backUp(repository, files);
  await rewriteAll({ filter: without("/home/photos/b.key"), forget: true });
  expect(await pathsIn("latest")).toContain("/home/photos copy/b.key");
  expect(await pathsIn("latest")).not.toContain("/home/photos/b.key");
});

test("without a filter everything stays", async () => {
  expect(await rewriteAll({ filter: everything })).toMatchObject({ changed: 0 });
});

async function rewriteAll(request: Partial<RewriteRequest>): Promise<RewriteResult> {
  return await rewrite(await reopened(repository), {
    chooseSnapshots: async (of) => await listSnapshots(of),
    lock: testLock,
    compression: "auto",
    ...request,
  });
}

async function pathsIn(snapshot: string): Promise<string[]> {
  const opened = await reopened(repository);
  const found = await findSnapshot(opened, snapshot);
  await loadIndex(opened);
  return (await Array.fromAsync(listFiles(opened, found.snapshot))).map(({ path }) => path);
}

async function errorsFound(): Promise<number> {
  return (await check(await reopened(repository), { lock: testLock, readData: "all" })).errors;
}

async function treesIn(of: ObjectStore): Promise<string[]> {
  const opened = await reopened(repository, of);
  await loadIndex(opened);
  return [...opened.index.packs()].flatMap(({ blobs }) => blobs.flatMap(({ type, id }) => (type === "tree" ? id : [])));
}

async function namesIn(of: ObjectStore, ...kinds: ("data" | "index" | "snapshots")[]): Promise<ObjectName[]> {
  const names: ObjectName[] = [];
  for (const kind of kinds.length > 0 ? kinds : (["data", "index", "snapshots"] as const))
    for await (const { id } of of.list(kind)) names.push(`${kind}/${id}`);
  return names.toSorted();
}
