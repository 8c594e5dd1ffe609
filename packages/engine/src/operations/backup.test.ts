import { beforeEach, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { encodeLock } from "../format/lock.ts";
import type { ObjectKind } from "../format/object-name.ts";
import { backUp } from "../platform/testing/back-up.ts";
import { ManualClock, settled } from "../platform/testing/manual-clock.ts";
import { directory, type MemorySource, memorySource } from "../platform/testing/memory-source.ts";
import { newTestRepository, reopened, testLock } from "../platform/testing/test-repository.ts";
import { loadIndex } from "../repository/load-index.ts";
import { loadBlob } from "../repository/load-blob.ts";
import { lockRepository } from "../repository/locks.ts";
import type { Repository } from "../repository/repository.ts";
import { loadSnapshots } from "../repository/snapshots.ts";
import { saveUnpacked } from "../repository/unpacked-files.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Problem } from "./backup/backup-request.ts";
import { check } from "./check.ts";
import { listFiles } from "./list-files.ts";

let store: ObjectStore;
let repository: Repository;
let source: MemorySource;

beforeEach(async () => {
  store = memoryStore();
  repository = await newTestRepository(store);
  source = memorySource({ home: { "notes.txt": "first", photos: { "a.jpg": "jpeg" } } });
});

test("the first backup stores everything, and says so", async () => {
  const { summary, problems, parent } = await backUp(repository, source);
  expect(summary).toMatchObject({
    filesNew: 2,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 2,
    dataBlobs: 2,
    treeBlobs: 3,
    totalFilesProcessed: 2,
    totalBytesProcessed: 9,
  });
  expect([problems, parent]).toEqual([0, undefined]);
  expect(await contents()).toEqual({ "/home/notes.txt": "first", "/home/photos/a.jpg": "jpeg" });
});

test("the next backup finds its parent and reads nothing that did not change", async () => {
  const first = await backUp(repository, source);
  const read: string[] = [];
  source.beforeEach = (operation, path) => operation === "read" && read.push(path);
  const { summary, parent } = await backUp(repository, source);
  expect(parent).toBe(first.snapshotId);
  expect(read).toEqual([]);
  expect(summary).toMatchObject({ filesUnmodified: 2, dirsUnmodified: 2, dataAdded: 0, dataAddedPacked: 0 });
});

test("trees that did not change keep their ids", async () => {
  const first = await backUp(repository, source);
  const second = await backUp(repository, source);
  expect(second.snapshot.tree).toBe(first.snapshot.tree);
});

test("a changed file is read again, its neighbours are not", async () => {
  await backUp(repository, source);
  source.put("/home/notes.txt", "second");
  const { summary } = await backUp(repository, source);
  expect(summary).toMatchObject({ filesChanged: 1, filesUnmodified: 1, dirsChanged: 1, dirsUnmodified: 1 });
  expect(await contents()).toEqual({ "/home/notes.txt": "second", "/home/photos/a.jpg": "jpeg" });
});

test("a parent is looked for among the snapshots of this host and these paths only", async () => {
  const mine = await backUp(repository, source);
  await backUp(repository, source, { hostname: "beta" });
  await backUp(repository, source, { targets: ["/home/photos"] });
  expect((await backUp(repository, source)).parent).toBe(mine.snapshotId);
});

test("a snapshot from the future is no parent", async () => {
  await backUp(repository, source, { timeNs: 9_000_000_000_000_000_000n });
  expect((await backUp(repository, source)).parent).toBeUndefined();
});

test("a rival that locks exclusively at the same moment ends a backup before its snapshot, though it has nothing else to write", async () => {
  const first = await backUp(repository, source);
  const rival = {
    time: "2026-01-01T00:00:00Z",
    exclusive: true,
    hostname: "beta",
    username: "bob",
    pid: 200,
    uid: 0,
    gid: 0,
  };
  let hasLocked = false;
  const contested: ObjectStore = {
    ...store,
    async put(name, bytes, options) {
      await store.put(name, bytes, options);
      if (hasLocked || !name.startsWith("locks/")) return;
      hasLocked = true;
      await saveUnpacked(repository, "locks", encodeLock(rival));
    },
  };
  const clock = new ManualClock();
  const backingUp = backUp({ ...repository, store: contested, clock }, source);
  backingUp.catch(() => undefined);
  await settled();
  await clock.advance(200);
  await expect(backingUp).rejects.toMatchObject({
    code: "repository-locked",
    message: expect.stringContaining("beta"),
  });
  const snapshots = await loadSnapshots(repository);
  expect(snapshots.map(({ id }) => id)).toEqual([first.snapshotId]);
});

test("with no parent wanted everything is read, and still nothing is stored twice", async () => {
  await backUp(repository, source);
  const { summary } = await backUp(repository, source, { parent: "none" });
  expect(summary).toMatchObject({ filesNew: 2, dataAdded: 0 });
});

test("an unchanged file whose content the repository has lost is read again", async () => {
  await backUp(repository, source);
  for (const kind of ["data", "index"] as const)
    for await (const { id } of store.list(kind)) await store.delete(`${kind}/${id}`);
  const warnings: string[] = [];
  await backUp(await reopened(repository), source, {
    onWarning: (path, message) => warnings.push(`${path}: ${message}`),
  });
  expect(await contents()).toEqual({ "/home/notes.txt": "first", "/home/photos/a.jpg": "jpeg" });
});

test("an unreadable file is reported, counted and left out; the rest is saved", async () => {
  source.failOn("/home/notes.txt", "read", "permission denied");
  const { problems, snapshotId, reported } = await backUpWithProblems();
  expect(problems).toBe(1);
  expect(reported).toMatchObject([{ path: "/home/notes.txt", message: expect.stringContaining("permission denied") }]);
  expect(snapshotId).toBeDefined();
  expect(await contents()).toEqual({ "/home/photos/a.jpg": "jpeg" });
});

test("an unreadable folder is reported, and the rest is saved", async () => {
  source.failOn("/home/photos", "list", "permission denied");
  const { problems } = await backUpWithProblems();
  expect(problems).toBe(1);
  expect(await contents()).toEqual({ "/home/notes.txt": "first" });
});

test("a file that vanishes before it is opened is reported", async () => {
  source.failOn("/home/notes.txt", "read", "vanished");
  const { reported } = await backUpWithProblems();
  expect(reported).toMatchObject([{ path: "/home/notes.txt", message: expect.stringContaining("vanished") }]);
});

test.each([
  ["grows", "first and more", "grew"],
  ["shrinks", "fi", "shrank"],
  ["is written to", "tsrif", "changed"],
])("a file that %s while it is read is reported, and kept as it was read", async (_how, content, word) => {
  source.beforeEach = (operation, path) => {
    if (operation === "read" && path === "/home/notes.txt") {
      source.beforeEach = () => undefined;
      source.put(path, content);
    }
  };
  const { reported } = await backUpWithProblems();
  expect(reported).toMatchObject([{ path: "/home/notes.txt", message: expect.stringContaining(word) }]);
  expect((await contents())["/home/notes.txt"]).toBe(content);
});

test("a source that is missing is reported; the others are saved", async () => {
  const { problems } = await backUpWithProblems({ targets: ["/home", "/missing"] });
  expect(problems).toBe(1);
  expect(await contents()).toMatchObject({ "/home/notes.txt": "first" });
});

test("when all sources are missing there is no snapshot, and an error says why", async () => {
  await expect(backUp(repository, source, { targets: ["/missing"] })).rejects.toMatchObject({
    code: "source-unreadable",
  });
  expect(await count("snapshots")).toBe(0);
});

test("a source that is an empty folder is reported: it may be a disk that is not mounted", async () => {
  source.put("/mnt", directory({}));
  const { problems, snapshotId } = await backUpWithProblems({ targets: ["/mnt"] });
  expect(problems).toBe(1);
  expect(snapshotId).toBeDefined();
});

test("the snapshot is written last, after all that it names", async () => {
  const order: string[] = [];
  const recording: ObjectStore = {
    ...store,
    put: async (name, bytes) => (order.push(name.split("/")[0] ?? ""), await store.put(name, bytes)),
  };
  await backUp(await reopened(repository, recording), source);
  expect(order.filter((kind) => kind !== "locks").at(-1)).toBe("snapshots");
  expect(order.lastIndexOf("data")).toBeLessThan(order.indexOf("index"));
});

test("a backup whose store fails leaves the older snapshots as they were", async () => {
  await backUp(repository, source);
  source.put("/home/notes.txt", "second");
  const failing: ObjectStore = {
    ...store,
    put: async (name, bytes) => {
      if (name.startsWith("data/")) throw new EngineError("store-full", "no space");
      await store.put(name, bytes);
    },
  };
  await expect(backUp(await reopened(repository, failing), source)).rejects.toMatchObject({ code: "store-full" });
  expect(await contents()).toEqual({ "/home/notes.txt": "first", "/home/photos/a.jpg": "jpeg" });
  expect((await check(await reopened(repository), { lock: testLock, readData: "all" })).errors).toBe(0);
});

test("a dry run says what it would do and writes nothing but its lock", async () => {
  const { snapshotId, summary } = await backUp(repository, source, { dryRun: true });
  expect(snapshotId).toBeUndefined();
  expect(summary.dataAdded).toBeGreaterThan(0);
  expect([await count("data"), await count("index"), await count("snapshots")]).toEqual([0, 0, 0]);
});

test("no snapshot is made of an unchanged tree if the caller says so", async () => {
  await backUp(repository, source);
  expect((await backUp(repository, source, { skipIfUnchanged: true })).snapshotId).toBeUndefined();
  source.put("/home/notes.txt", "second");
  expect((await backUp(repository, source, { skipIfUnchanged: true })).snapshotId).toBeDefined();
});

test("a backup does not start while somebody holds the repository exclusively", async () => {
  await using _held = await lockRepository(repository, { ...testLock, exclusive: true });
  await expect(backUp(repository, source)).rejects.toMatchObject({ code: "repository-locked" });
});

test("a cancelled backup makes no snapshot and leaves no lock", async () => {
  const cancel = new AbortController();
  source.beforeEach = (operation) =>
    operation === "read" && cancel.abort(new EngineError("aborted", "cancelled by ada"));
  await expect(backUp(repository, source, { signal: cancel.signal })).rejects.toMatchObject({ code: "aborted" });
  expect([await count("snapshots"), await count("locks")]).toEqual([0, 0]);
});

test("progress ends at what was done, with totals once they are counted", async () => {
  const seen: { filesDone: number; filesTotal: number | undefined }[] = [];
  await backUp(repository, source, { onProgress: (progress) => seen.push(progress) });
  expect(seen.at(-1)).toMatchObject({ filesDone: 2, bytesDone: 9 });
  expect(seen.some(({ filesTotal }) => filesTotal === 2)).toBe(true);
});

test("trees that are lost in the store are stored again by the next backup, which says so", async () => {
  const first = await backUp(repository, source);
  const [location] = repository.index.find({ type: "tree", id: first.snapshot.tree! });
  await store.delete(`data/${location!.pack}`);
  const warnings: string[] = [];
  await backUp(await reopened(repository), source, { onWarning: (where) => warnings.push(where) });
  expect(warnings).toEqual([`tree ${first.snapshot.tree!}`]);
  expect(await contents()).toEqual({ "/home/notes.txt": "first", "/home/photos/a.jpg": "jpeg" });
});

async function backUpWithProblems(request: Parameters<typeof backUp>[2] = {}) {
  const reported: Problem[] = [];
  const result = await backUp(repository, source, { ...request, onProblem: (problem) => reported.push(problem) });
  return { ...result, reported };
}

/** The files of the newest snapshot with their content, read by a second program, as it were. */
async function contents(): Promise<Record<string, string>> {
  const reader = await reopened(repository, store);
  const snapshot = (await loadSnapshots(reader)).at(-1);
  await loadIndex(reader);
  const found: Record<string, string> = {};
  for await (const { path, node } of listFiles(reader, snapshot!)) {
    if (node.type !== "file") continue;
    const blobs = await Promise.all((node.content ?? []).map((id) => loadBlob(reader, { type: "data", id })));
    found[path] = blobs.map((blob) => new TextDecoder().decode(blob)).join("");
  }
  return found;
}

async function count(kind: ObjectKind): Promise<number> {
  let objects = 0;
  for await (const _object of store.list(kind)) objects += 1;
  return objects;
}
