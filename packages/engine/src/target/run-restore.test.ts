import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { excludeFilter, includeFilter, type PathFilter } from "../pattern/path-filter.ts";
import { parsePatterns } from "../pattern/pattern-list.ts";
import { makeDirectories, writeFile } from "../platform/testing/file-target-suite.ts";
import { file, MemorySnapshot, NodeSketch, symlink, type TreeSketch } from "../platform/testing/memory-snapshot.ts";
import { memoryTarget, type MemoryTarget } from "../platform/testing/memory-target.ts";
import { plainRestore } from "../platform/testing/plain-restore.ts";
import { type RestoreItem, type RestoreProblem, RestoreReport } from "./restore-report.ts";
import type { RestoreSettings } from "./restore-settings.ts";
import { type RestoreResult, runRestore } from "./run-restore.ts";
import { NodeEntries } from "./tree-entries.ts";

const mtimeNs = 1_700_000_000_123_456_789n;

test("everything in a snapshot comes back: directories, files of any number of parts, links, devices", async () => {
  const { target, result } = await restored({
    "a.txt": "one part and a bit more",
    dir: { "b.txt": "b", empty: {}, deep: { er: { "c.txt": "ccccdddd" } } },
    "empty.txt": "",
    fifo: new NodeSketch({ type: "fifo" }),
    link: symlink("dir/b.txt"),
  });
  expect(target.contents()).toEqual({
    "/a.txt": "one part and a bit more",
    "/dir": "dir",
    "/dir/b.txt": "b",
    "/dir/empty": "dir",
    "/dir/deep": "dir",
    "/dir/deep/er": "dir",
    "/dir/deep/er/c.txt": "ccccdddd",
    "/empty.txt": "",
    "/fifo": "fifo",
    "/link": "-> dir/b.txt",
  });
  expect(result).toEqual({
    totalFiles: 10,
    filesRestored: 10,
    filesSkipped: 0,
    filesDeleted: 0,
    totalBytes: 32,
    bytesRestored: 32,
    bytesSkipped: 0,
    problems: 0,
    verified: undefined,
  });
});

test("a directory gets its metadata after all that is in it, and links come after all contents", async () => {
  const { target } = await restored({ a: { aa: { f: "12345678" }, l: symlink("aa") }, z: "zzzzzzzz" });
  const at = (change: string): number => target.changes.indexOf(change);
  expect(at("setMetadata /a/aa/f")).toBeGreaterThan(0);
  expect(at("setMetadata /a/aa/f")).toBeLessThan(at("setMetadata /a/aa"));
  expect(at("setMetadata /a/aa")).toBeLessThan(at("setMetadata /a"));
  expect(at("setMetadata /a/l")).toBeLessThan(at("setMetadata /a"));
  expect(target.changes.findLastIndex((made) => made.startsWith("write"))).toBeLessThan(at("createSymlink /a/l"));
});

test("each pack is read once, in the order of first use, and only for blobs that are wanted", async () => {
  const snapshot = new MemorySnapshot({ a: "aaaabbbb", b: "ccccaaaa", c: "ddddbbbb" }, { blobsPerPack: 2 });
  await restoreInto(memoryTarget(), snapshot);
  expect(snapshot.reads.map(({ pack, ids }) => [Number(pack), ids.length])).toEqual([
    [0, 2],
    [1, 2],
  ]);
});

test("a subtree chosen by include brings the directories above it and nothing else", async () => {
  const tree = { home: { me: { "a.txt": "a", "b.log": "b" }, you: { "c.txt": "c" } }, other: { "d.log": "d" } };
  const { target } = await restored(tree, { filter: include("/home/me/*.txt") });
  expect(Object.keys(target.contents())).toEqual(["/home", "/home/me", "/home/me/a.txt"]);
  expect(target.entry("/home/me")?.metadata).toBeDefined();
  expect(Object.keys((await restored(tree, { filter: exclude("*.txt", "other") })).target.contents())).toEqual([
    "/home",
    "/home/me",
    "/home/me/b.log",
    "/home/you",
  ]);
});

test("hard links are links to one file again, and its content is fetched once", async () => {
  const inode = { inode: 7n, deviceId: 1n, links: 2n };
  const snapshot = new MemorySnapshot({ a: file("shared!!", inode), z: { b: file("shared!!", inode) } });
  const { target } = await restoreInto(memoryTarget(), snapshot);
  expect(target.entry("/z/b")).toBe(target.entry("/a"));
  expect(target.entry("/a")?.links).toBe(2);
  expect(snapshot.reads.flatMap(({ ids }) => ids)).toHaveLength(2);
});

test("files that only claim to be one inode keep their own contents", async () => {
  const inode = { inode: 7n, deviceId: 1n, links: 2n };
  const { target } = await restored({ a: file("first", inode), b: file("second", inode) });
  expect(target.contents()).toEqual({ "/a": "first", "/b": "second" });
});

test("a file that is there is updated in place: only its wrong parts are fetched and written", async () => {
  const snapshot = new MemorySnapshot({ f: "aaaabbbbccccdddd" }, { blobsPerPack: 1 });
  const target = await targetWith({ f: "aaaaXXXXccccddddtoo long" });
  const { result, items } = await restoreInto(target, snapshot);
  expect(target.contents()).toEqual({ "/f": "aaaabbbbccccdddd" });
  expect(target.changes.filter((change) => change.startsWith("write"))).toEqual(["write /f 4+4"]);
  expect(snapshot.reads.flatMap(({ ids }) => ids)).toEqual([snapshot.idOf("bbbb")]);
  expect(items).toContainEqual({ action: "updated", path: "/f", bytes: 16 });
  expect(result).toMatchObject({ filesRestored: 1, bytesRestored: 16, filesSkipped: 0 });
});

test("a file that is right is not fetched, but gets its metadata", async () => {
  const snapshot = new MemorySnapshot({ f: "aaaabbbb", g: "" });
  const target = await targetWith({ f: "aaaabbbb", g: "" });
  const { result } = await restoreInto(target, snapshot);
  expect(snapshot.reads).toEqual([]);
  expect(target.entry("/f")?.mtimeNs).toBe(mtimeNs);
  expect(result).toMatchObject({ totalFiles: 0, filesSkipped: 2, bytesSkipped: 8, bytesRestored: 0 });
});

test("a file that is only too long is cut, and one too short is filled up", async () => {
  const { target } = await restored(
    { long: "aaaabbbb", short: "aaaabbbb", empty: "" },
    {},
    { long: "aaaabbbbc", short: "aaaa", empty: "not" },
  );
  expect(target.contents()).toEqual({ "/long": "aaaabbbb", "/short": "aaaabbbb", "/empty": "" });
});

test("a file with several links is replaced, so that its other links keep their content", async () => {
  const target = await targetWith({ f: "old!", keep: "x" });
  await target.createHardLink(["other"], ["f"]);
  await restoreInto(target, new MemorySnapshot({ f: "new!" }));
  expect(target.contents()).toMatchObject({ "/f": "new!", "/other": "old!" });
});

test("links and devices in the way of files and directories are replaced, not followed", async () => {
  const target = await targetWith({ elsewhere: { f: "kept" } });
  await target.createSymlink(["dir"], "elsewhere");
  await target.createSymlink(["file"], "elsewhere/f");
  await restoreInto(target, new MemorySnapshot({ dir: { f: "mine" }, file: "mine" }));
  expect(target.contents()).toEqual({
    "/elsewhere": "dir",
    "/elsewhere/f": "kept",
    "/dir": "dir",
    "/dir/f": "mine",
    "/file": "mine",
  });
});

test("a directory in the way of a file gives way only if it is empty, or with delete", async () => {
  const tree = { f: "file" };
  expect((await restored(tree, {}, { f: {} })).target.contents()).toEqual({ "/f": "file" });
  const refused = await restored(tree, {}, { f: { inner: "kept" } });
  expect(refused.target.contents()).toMatchObject({ "/f/inner": "kept" });
  expect(refused.problems).toMatchObject([{ path: "/f", message: expect.stringContaining("is a directory") }]);
  expect((await restored(tree, { delete: true }, { f: { inner: "gone" } })).target.contents()).toEqual({
    "/f": "file",
  });
});

test("overwrite never leaves what is there, with its metadata", async () => {
  const { target, result } = await restored({ f: "new", g: "new" }, { overwrite: "never" }, { f: "old" });
  expect(target.contents()).toEqual({ "/f": "old", "/g": "new" });
  expect(target.entry("/f")?.metadata).toBeUndefined();
  expect(result).toMatchObject({ filesSkipped: 1, bytesSkipped: 3, filesRestored: 1 });
});

test("overwrite if-newer replaces only what is older than the snapshot's", async () => {
  const target = await targetWith({ older: "old", newer: "old" });
  setTime(target, "/older", mtimeNs - 1n);
  setTime(target, "/newer", mtimeNs);
  await restoreInto(target, new MemorySnapshot({ older: "new", newer: "new" }), { overwrite: "if-newer" });
  expect(target.contents()).toEqual({ "/older": "new", "/newer": "old" });
});

test("overwrite if-changed trusts size and time without reading", async () => {
  const target = await targetWith({ same: "old", "other time": "old", "other size": "older" });
  setTime(target, "/same", mtimeNs);
  setTime(target, "/other time", mtimeNs + 1n);
  setTime(target, "/other size", mtimeNs);
  const tree = { same: "new", "other time": "new", "other size": "new" };
  const { result } = await restoreInto(target, new MemorySnapshot(tree), { overwrite: "if-changed" });
  expect(target.contents()).toEqual({ "/same": "old", "/other time": "new", "/other size": "new" });
  expect(result).toMatchObject({ filesSkipped: 1, filesRestored: 2 });
});

test("delete removes what the snapshot does not have, and only what the filter selects", async () => {
  const existing = { dir: { keep: "k", extra: { deep: "x" } }, "extra.txt": "x", "extra.log": "x" };
  const tree = { dir: { keep: "k" } };
  const all = await restored(tree, { delete: true }, existing);
  expect(all.target.contents()).toEqual({ "/dir": "dir", "/dir/keep": "k" });
  expect(all.result.filesDeleted).toBe(4);
  expect(
    all.items
      .filter(({ action }) => action === "deleted")
      .map(({ path }) => path)
      .toSorted(),
  ).toEqual(["/dir/extra", "/dir/extra/deep", "/extra.log", "/extra.txt"]);
  const some = await restored(tree, { delete: true, filter: exclude("*.log") }, existing);
  expect(Object.keys(some.target.contents())).toEqual(["/dir", "/dir/keep", "/extra.log"]);
});

test("nothing is deleted without being asked", async () => {
  const { target } = await restored({ a: "a" }, {}, { b: "b" });
  expect(target.contents()).toEqual({ "/a": "a", "/b": "b" });
});

test("a dry run tells what a run does, and changes nothing", async () => {
  const tree = { dir: { f: "same", g: "changed!" }, new: { h: "hhhh" }, l: symlink("x") };
  const existing = { dir: { f: "same", g: "changed?" }, extra: "x" };
  const dry = await restored(tree, { dryRun: true, delete: true }, existing);
  expect(dry.target.changes).toEqual([]);
  const wet = await restored(tree, { delete: true }, existing);
  expect(dry.result).toEqual(wet.result);
  const told = ({ items }: Restored): string[] => items.map((item) => JSON.stringify(item)).toSorted();
  expect(told(dry)).toEqual(told(wet));
});

test("a dry run into nothing makes no root", async () => {
  const target = memoryTarget();
  const { result } = await restoreInto(target, new MemorySnapshot({ a: { b: "b" } }), { dryRun: true, delete: true });
  expect(target.changes).toEqual([]);
  expect(result).toMatchObject({ filesRestored: 2, bytesRestored: 1, problems: 0 });
});

test("a lost blob is said with the range of the file, the other parts and files are restored", async () => {
  const snapshot = new MemorySnapshot({ good: "gggg", hurt: "aaaabbbbcccc", sub: { also: "good" } });
  snapshot.damaged.add(snapshot.idOf("bbbb"));
  const { target, result, problems } = await restoreInto(memoryTarget(), snapshot, { verify: true });
  expect(target.contents()).toEqual({
    "/good": "gggg",
    "/hurt": "aaaa\0\0\0\0cccc",
    "/sub": "dir",
    "/sub/also": "good",
  });
  expect(problems).toMatchObject([
    {
      path: "/hurt",
      during: "restore",
      message: expect.stringMatching(/^Bytes 4 to 8 of \/hurt are lost: blob .* in data\//),
    },
  ]);
  expect(target.entry("/hurt")?.metadata).toBeUndefined();
  expect(result).toMatchObject({ problems: 1, filesRestored: 3, verified: { files: 2, bytes: 8 } });
});

test("of a file that is lost wholly nothing is left, wherever its parts were", async () => {
  for (const blobsPerPack of [1, 10]) {
    const snapshot = new MemorySnapshot({ lost: "aaaabbbb", well: "cccc" }, { blobsPerPack });
    for (const part of ["aaaa", "bbbb"]) snapshot.damaged.add(snapshot.idOf(part));
    const { target, problems } = await restoreInto(memoryTarget(), snapshot);
    expect(target.contents()).toEqual({ "/well": "cccc" });
    expect(problems.map(({ path }) => path)).toEqual(["/lost", "/lost"]);
  }
});

test("a lost tree is said with its directory, and the other directories are restored", async () => {
  const snapshot = new MemorySnapshot({ hurt: { f: "f" }, well: { g: "g" } });
  const hurt = (await snapshot.tree(snapshot.root)).subtree(0);
  if (hurt) snapshot.damaged.add(hurt);
  const { target, problems } = await restoreInto(await targetWith({ hurt: { old: "kept" } }), snapshot, {
    delete: true,
  });
  expect(target.contents()).toEqual({ "/hurt": "dir", "/hurt/old": "kept", "/well": "dir", "/well/g": "g" });
  expect(problems).toMatchObject([{ path: "/hurt", message: expect.stringContaining("What is in /hurt is lost") }]);
});

test("a file whose blob is in no index is said, and nothing is made of it", async () => {
  const id = new MemorySnapshot({}).idOf("nowhere");
  const { target, problems } = await restored({ a: file("a", { content: [id], size: 7 }), b: "b" });
  expect(target.contents()).toEqual({ "/b": "b" });
  expect(problems).toMatchObject([{ path: "/a", message: expect.stringContaining("in no index") }]);
});

test("a full disk is said for each file it hits, and small ones still find room", async () => {
  const target = memoryTarget({ diskBytes: 6 });
  const { problems } = await restoreInto(target, new MemorySnapshot({ a: "aaaabbbb", b: "cccc" }));
  expect(problems).toMatchObject([{ path: "/a", message: expect.stringContaining("disk is full") }]);
  expect(target.contents()).toMatchObject({ "/b": "cccc" });
  expect(target.entry("/a")?.metadata).toBeUndefined();
});

test("verify finds a file that changed after it was written", async () => {
  const snapshot = new MemorySnapshot({ a: "aaaabbbb", b: "cccc" });
  const target = memoryTarget();
  // The disk loses what it was given.
  const openFile = target.openFile.bind(target);
  target.openFile = async (path, access) => {
    const opened = await openFile(path, access);
    return path[0] === "a" ? { ...opened, read: async () => await Promise.resolve(new Uint8Array(4)) } : opened;
  };
  const { result, problems } = await restoreInto(target, snapshot, { verify: true });
  expect(result).toMatchObject({ problems: 1, verified: { files: 1, bytes: 4 } });
  expect(problems).toMatchObject([{ path: "/a", during: "verify", message: expect.stringContaining("bytes 0 to 4") }]);
  expect(target.entry("/a")?.metadata).toBeUndefined();
});

test("sparse leaves blocks of zeros unwritten in new files, and the content is the same", async () => {
  const zeros = "\0".repeat(10_000);
  const text = `${"x".repeat(100)}${zeros}${"y".repeat(5000)}${zeros}`;
  for (const partBytes of [3000, 100_000]) {
    const snapshot = new MemorySnapshot({ f: text, z: zeros }, { partBytes });
    const { target } = await restoreInto(memoryTarget(), snapshot, { sparse: true, verify: true });
    expect(target.contents()).toEqual({ "/f": text, "/z": zeros });
    const written = target.changes
      .filter((change) => change.startsWith("write"))
      .map((change) => Number(change.split("+")[1]));
    expect(written.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(16_384);
    // What is there is overwritten with zeros where zeros belong.
    const update = await restoreInto(await targetWith({ f: "?".repeat(30_000) }), snapshot, { sparse: true });
    expect(update.target.contents()).toEqual({ "/f": text, "/z": zeros });
  }
});

test("more files at once than can be open are all written", async () => {
  // Each file's parts lie in other packs than its neighbours', so that all are begun before any is complete.
  const parts = Array.from({ length: 6 }, (_, part) => part);
  const files = Array.from({ length: 300 }, (_, number) => number);
  const text = (number: number): string => parts.map((part) => `${part}${String(number).padStart(3, "0")}`).join("");
  const order: TreeSketch = Object.fromEntries(
    parts.map((part) => [`0${part}`, files.map((number) => text(number).slice(part * 4, part * 4 + 4)).join("")]),
  );
  const tree: TreeSketch = { ...order, ...Object.fromEntries(files.map((number) => [`f${number}`, text(number)])) };
  const snapshot = new MemorySnapshot(tree, { blobsPerPack: 300 });
  const { target, result } = await restoreInto(memoryTarget(), snapshot);
  expect(result.problems).toBe(0);
  for (const number of files) expect(target.contents()[`/f${number}`]).toBe(text(number));
});

test("traps in names are said and left out, the rest is restored, and nothing is deleted any more", async () => {
  const target = await targetWith({ extra: "kept" });
  const snapshot = new MemorySnapshot({});
  snapshot.setRootEntries([
    ["..", { up: "!" }],
    ["a/b", "!"],
    ["good", "good"],
    ["good", symlink("/etc")],
    ["x", symlink("/tmp")],
    ["x", { inside: "!" }],
    ["b", "out of order"],
  ]);
  const { problems } = await restoreInto(target, snapshot, { delete: true });
  expect(target.contents()).toEqual({ "/extra": "kept", "/good": "good", "/x": "-> /tmp" });
  expect(problems.map(({ path }) => path)).toEqual(["/..", "/a/b", "/good", "/x", "/b"]);
});

test("a snapshot that goes down for ever ends at a depth nobody could name", async () => {
  const snapshot = new MemorySnapshot({ d: {} });
  const directory = (await snapshot.tree(snapshot.root)).node(0);
  snapshot.tree = async () => await Promise.resolve(new NodeEntries([{ ...directory, subtree: snapshot.root }]));
  const { result, problems } = await restoreInto(memoryTarget(), snapshot, { dryRun: true });
  expect(result.filesRestored).toBe(2048);
  expect(problems).toMatchObject([{ message: expect.stringContaining("more than 2048 directories") }]);
});

test("a store that is gone ends the restore", async () => {
  const snapshot = new MemorySnapshot({ a: { f: "f" } });
  snapshot.packBytes = async () => await Promise.reject(new EngineError("store-unavailable", "gone"));
  await expect(restoreInto(memoryTarget(), snapshot)).rejects.toThrow("gone");
});

test("an aborted restore ends with the signal's reason", async () => {
  const ending = new AbortController();
  const snapshot = new MemorySnapshot({ a: "aaaabbbb", b: "cccc" });
  const { report } = listening();
  const target = memoryTarget();
  target.createFile = () => {
    ending.abort(new EngineError("aborted", "enough"));
    throw ending.signal.reason;
  };
  const run = runRestore({ ...settings, signal: ending.signal, reader: snapshot, target, report }, snapshot.root);
  await expect(run).rejects.toThrow("enough");
});

interface Restored {
  readonly target: MemoryTarget;
  readonly result: RestoreResult;
  readonly items: RestoreItem[];
  readonly problems: RestoreProblem[];
}

const settings = {
  ...plainRestore,
  signal: new AbortController().signal,
} satisfies RestoreSettings;

/** Restores the sketch into a target that has `existing` in it. */
async function restored(
  tree: TreeSketch,
  given: Partial<RestoreSettings> = {},
  existing: ExistingTree = {},
): Promise<Restored> {
  return await restoreInto(await targetWith(existing), new MemorySnapshot(tree), given);
}

async function restoreInto(
  target: MemoryTarget,
  snapshot: MemorySnapshot,
  given: Partial<RestoreSettings> = {},
): Promise<Restored> {
  const { report, items, problems } = listening();
  const result = await runRestore(
    { ...settings, ...given, signal: settings.signal, reader: snapshot, target, report },
    snapshot.root,
  );
  return { target, result, items, problems };
}

function listening(): { report: RestoreReport; items: RestoreItem[]; problems: RestoreProblem[] } {
  const items: RestoreItem[] = [];
  const problems: RestoreProblem[] = [];
  const report = new RestoreReport({
    onItem: (item) => items.push(item),
    onProblem: (problem) => problems.push(problem),
  });
  return { report, items, problems };
}

interface ExistingTree {
  readonly [name: string]: string | ExistingTree;
}

async function targetWith(existing: ExistingTree): Promise<MemoryTarget> {
  const target = memoryTarget();
  const add = async (path: readonly string[], tree: ExistingTree): Promise<void> => {
    await makeDirectories(target, path);
    for (const [name, what] of Object.entries(tree)) {
      if (typeof what === "string") await writeFile(target, [...path, name], what);
      else await add([...path, name], what);
    }
  };
  await add([], existing);
  target.changes.length = 0;
  return target;
}

function setTime(target: MemoryTarget, path: string, timeNs: bigint): void {
  const entry = target.entry(path);
  if (entry) entry.mtimeNs = timeNs;
}

function include(...patterns: string[]): PathFilter {
  return includeFilter(parsePatterns(patterns, { caseInsensitive: false }));
}

function exclude(...patterns: string[]): PathFilter {
  return excludeFilter(parsePatterns(patterns, { caseInsensitive: false }));
}
