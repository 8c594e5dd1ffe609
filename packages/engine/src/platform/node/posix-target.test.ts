import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  linkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modeSetgid, modeSetuid } from "../../format/file-mode.ts";
import type { FileTarget } from "../../target/file-target.ts";
import { RestoreReport, type RestoreProblem } from "../../target/restore-report.ts";
import type { RestoreSettings } from "../../target/restore-settings.ts";
import { runRestore } from "../../target/run-restore.ts";
import { makeDirectories, readFile, writeFile } from "../testing/file-target-suite.ts";
import { file, MemorySnapshot, NodeSketch, symlink, type TreeSketch } from "../testing/memory-snapshot.ts";
import { plainRestore } from "../testing/plain-restore.ts";
import { sampleNode } from "../testing/sample-node.ts";
import { extendedAttributes } from "./extended-attributes.ts";
import { nodeTarget } from "./node-target.ts";

const isRoot = process.geteuid?.() === 0;

/** Holds the target's root and, beside it, what nothing may touch. */
let folder: string;
let root: string;
let outside: string;
let target: FileTarget;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "saveos-hostile-"));
  root = join(folder, "root");
  outside = join(folder, "outside");
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, "f"), "untouched");
  target = nodeTarget(root);
});
afterEach(async () => {
  await target[Symbol.asyncDispose]();
  // Whatever a test did, nothing beside the root may have changed.
  expect(readdirSync(folder).toSorted()).toEqual(["outside", "root"]);
  expect(readdirSync(outside)).toEqual(["f"]);
  expect(readFileSync(join(outside, "f"), "utf8")).toBe("untouched");
  expect(lstatSync(join(outside, "f")).mode & 0o7777).toBe(0o644);
  rmSync(folder, { recursive: true });
});

test("a tree that holds a link and then a directory of the same name writes nothing through the link", async () => {
  const problems = await restoreRootEntries([
    ["x", symlink(outside)],
    ["x", { f: "!", new: "!" }],
    ["y", { f: "!" }],
    ["y", symlink(outside)],
  ]);
  expect(problems.map(({ path }) => path)).toEqual(["/x", "/y"]);
  expect(readlinkSync(join(root, "x"))).toBe(outside);
  expect(lstatSync(join(root, "y")).isDirectory()).toBe(true);
});

test("names that are paths are said and left out", async () => {
  const problems = await restoreRootEntries([
    ["", "!"],
    [".", "!"],
    ["..", { outside: { f: "!" } }],
    ["../outside", { f: "!" }],
    ["../outside/f", "!"],
    [`${outside}/f`, "!"],
    ["a\0b", "!"],
  ]);
  expect(problems).toHaveLength(7);
  expect(readdirSync(root)).toEqual([]);
});

test("a link that was in the target before, at any depth, is replaced and not followed", async () => {
  symlinkSync(outside, join(root, "first"));
  mkdirSync(join(root, "a"));
  symlinkSync(outside, join(root, "a", "second"));
  symlinkSync(join(outside, "f"), join(root, "a", "file"));
  const problems = await restore({ a: { file: "mine", second: { f: "mine" } }, first: { deep: { f: "mine" } } });
  expect(problems).toEqual([]);
  expect(lstatSync(join(root, "first")).isDirectory()).toBe(true);
  expect(readFileSync(join(root, "a", "second", "f"), "utf8")).toBe("mine");
  expect(readFileSync(join(root, "a", "file"), "utf8")).toBe("mine");
});

test("restoring one file below an existing link does not follow the link, however far above it is", async () => {
  symlinkSync(outside, join(root, "a"));
  const problems = await restore({ a: { b: { f: "mine" } } }, { overwrite: "never" });
  expect(problems.map(({ path }) => path)).toEqual(["/a"]);
});

test("deleting removes a link and not what it leads to", async () => {
  mkdirSync(join(root, "extra"));
  symlinkSync(outside, join(root, "extra", "link"));
  symlinkSync(outside, join(root, "link"));
  expect(await restore({}, { delete: true })).toEqual([]);
  expect(readdirSync(root)).toEqual([]);
});

test("a file of the target that is linked from outside is replaced, not written into", async () => {
  linkSync(join(outside, "f"), join(root, "f"));
  expect(await restore({ f: file("mine", { mode: 0o600 }) })).toEqual([]);
  expect(readFileSync(join(root, "f"), "utf8")).toBe("mine");
});

test("a directory that becomes a link between two calls is not followed", async () => {
  await makeDirectories(target, ["a", "b"]);
  await writeFile(target, ["a", "b", "f"], "mine");
  renameSync(join(root, "a"), join(root, "moved"));
  symlinkSync(outside, join(root, "a"));
  // The open directory is still the one that was made; a new look at the path refuses the link.
  await writeFile(target, ["a", "b", "g"], "mine");
  expect(readdirSync(join(root, "moved", "b")).toSorted()).toEqual(["f", "g"]);
  const fresh = nodeTarget(root);
  await expect(fresh.createFile(["a", "g"])).rejects.toMatchObject({ code: "target-unwritable" });
  await expect(fresh.setMetadata(["a", "f"], sampleNode({ name: "f", mode: 0o777 }), quiet)).rejects.toMatchObject({
    code: "target-unwritable",
  });
  await fresh[Symbol.asyncDispose]();
});

test("a file that becomes a link before its metadata is set keeps the link's target as it is", async () => {
  await makeDirectories(target);
  await writeFile(target, ["f"], "mine");
  rmSync(join(root, "f"));
  symlinkSync(join(outside, "f"), join(root, "f"));
  const asFile = target.setMetadata(["f"], sampleNode({ name: "f", mode: 0o777, uid: 12, gid: 12 }), quiet);
  await expect(asFile).rejects.toThrow("should be a file now, but is a symlink");
  await target.setMetadata(
    ["f"],
    sampleNode({
      name: "f",
      type: "symlink",
      mode: 0o777,
      extendedAttributes: [{ name: "user.x", value: new Uint8Array(1) }],
    }),
    quiet,
  );
});

test("a fifo in a file's place is replaced and does not hold the restore", async () => {
  execFileSync("mkfifo", [join(root, "f")]);
  expect(await restore({ f: "mine" })).toEqual([]);
  expect(readFileSync(join(root, "f"), "utf8")).toBe("mine");
});

test("no hard link is made to a link", async () => {
  await makeDirectories(target);
  symlinkSync(join(outside, "f"), join(root, "link"));
  await expect(target.createHardLink(["new"], ["link"])).rejects.toThrow("no regular file");
});

test("the root may be a link, and means then what it led to at first", async () => {
  const real = join(root, "real");
  mkdirSync(real);
  symlinkSync(real, join(root, "link"));
  await using linked = nodeTarget(join(root, "link"));
  await makeDirectories(linked, ["a"]);
  rmSync(join(root, "link"));
  symlinkSync(outside, join(root, "link"));
  await writeFile(linked, ["a", "f"], "mine");
  await writeFile(linked, ["g"], "mine");
  expect(readFileSync(join(real, "a", "f"), "utf8")).toBe("mine");
  expect(readdirSync(real).toSorted()).toEqual(["a", "g"]);
});

test("what is made is private until its metadata is set", async () => {
  await makeDirectories(target, ["d"]);
  await writeFile(target, ["d", "f"], "secret");
  await target.createSpecial(["fifo"], sampleNode({ name: "fifo", type: "fifo", mode: 0o666 }));
  expect(modes("d", "d/f", "fifo")).toEqual([0o700, 0o600, 0o600]);
});

test("extended attributes become exactly the node's", async () => {
  await makeDirectories(target);
  await writeFile(target, ["f"], "x");
  const set = async (values: Record<string, string>): Promise<void> => {
    const extendedAttributes = Object.entries(values).map(([name, value]) => ({
      name,
      value: new TextEncoder().encode(value),
    }));
    await target.setMetadata(["f"], sampleNode({ name: "f", extendedAttributes }), loud);
  };
  await set({ "user.a": "1", "user.b": "", "user.c": "\0\n" });
  expect(attributesOf("f")).toEqual({ "user.a": "31", "user.b": "", "user.c": "000a" });
  await set({ "user.b": "2" });
  expect(attributesOf("f")).toEqual({ "user.b": "32" });
});

test("one attribute that can't be set is told, and the rest of the metadata is set", async () => {
  await makeDirectories(target);
  await writeFile(target, ["f"], "x");
  const warnings: string[] = [];
  const extendedAttributes = [{ name: "nonsense", value: new Uint8Array(1) }];
  const node = sampleNode({ name: "f", mode: 0o640, mtimeNs: 5n, extendedAttributes });
  await target.setMetadata(["f"], node, { ownershipByName: false, onWarning: (_, message) => warnings.push(message) });
  expect(warnings).toEqual([expect.stringContaining('set the extended attribute "nonsense"')]);
  expect(modes("f")).toEqual([0o640]);
  expect(lstatSync(join(root, "f"), { bigint: true }).mtimeNs).toBe(5n);
});

test.runIf(isRoot)("owner and mode come back, setuid too, on links the link's own", async () => {
  await makeDirectories(target);
  await writeFile(target, ["f"], "x");
  await target.createSymlink(["l"], "f");
  const mode = 0o755 | modeSetuid | modeSetgid;
  await target.setMetadata(["f"], sampleNode({ name: "f", mode, uid: 1234, gid: 5678 }), loud);
  await target.setMetadata(["l"], sampleNode({ name: "l", type: "symlink", mode: 0o777, uid: 12, gid: 34 }), loud);
  expect(lstatSync(join(root, "f"))).toMatchObject({ uid: 1234, gid: 5678 });
  expect(modes("f")).toEqual([0o6755]);
  expect(lstatSync(join(root, "l"))).toMatchObject({ uid: 12, gid: 34 });
  // Another owner takes the bits away, though the mode that is wanted was there.
  await target.setMetadata(["f"], sampleNode({ name: "f", mode, uid: 4321, gid: 5678 }), loud);
  expect(modes("f")).toEqual([0o6755]);
});

test.runIf(isRoot)("ownership by name asks the system, and gives to root what it does not know", async () => {
  await makeDirectories(target);
  await writeFile(target, ["f"], "x");
  const set = async (user: string, group: string): Promise<void> => {
    const node = sampleNode({ name: "f", uid: 77, gid: 77, user, group });
    await target.setMetadata(["f"], node, { ...loud, ownershipByName: true });
  };
  const daemon = Number(execFileSync("id", ["-u", "daemon"], { encoding: "utf8" }));
  await set("daemon", "no-such-group");
  expect(lstatSync(join(root, "f"))).toMatchObject({ uid: daemon, gid: 0 });
});

test.runIf(isRoot)("devices come back with their numbers", async () => {
  await makeDirectories(target);
  const node = sampleNode({ name: "null", type: "chardev", device: 259n, mode: 0o666 });
  await target.createSpecial(["null"], node);
  await target.setMetadata(["null"], node, loud);
  const stat = lstatSync(join(root, "null"));
  expect([stat.isCharacterDevice(), stat.rdev]).toEqual([true, 259]);
});

test.runIf(isRoot)("an unprivileged user restores quietly what it may, and no setuid of somebody else", () => {
  chmodSync(folder, 0o755);
  chmodSync(root, 0o777);
  const nobody = 65_534;
  const modules = new URL("..", import.meta.url).href;
  const script = `
    import { nodeTarget } from "${modules}node/node-target.ts";
    import { sampleNode } from "${modules}testing/sample-node.ts";
    process.setgroups([]);
    process.setgid(${nobody});
    process.setuid(${nobody});
    const warnings = [];
    await using target = nodeTarget(process.argv[1]);
    for (const [name, uid] of [["mine", ${nobody}], ["other", 1234]]) {
      await (await target.createFile([name]))[Symbol.asyncDispose]();
      const node = sampleNode({ name, uid, gid: 1234, mode: ${modeSetuid | 0o755} });
      await target.setMetadata([name], node, { ownershipByName: false, onWarning: (path, message) => warnings.push(path + ": " + message) });
    }
    const readOnly = sampleNode({ name: "mine", uid: ${nobody}, gid: ${nobody}, mode: 0o400 });
    await target.setMetadata(["mine"], readOnly, { ownershipByName: false, onWarning: (_, message) => warnings.push(message) });
    await using file = await target.openFile(["mine"], "update");
    await file.write(0, new Uint8Array(7));
    console.log(JSON.stringify(warnings));
  `;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script, root], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([expect.stringMatching(/^other: Could not keep setuid or setgid/)]);
  expect(modes("other")).toEqual([0o755]);
  expect(lstatSync(join(root, "mine"))).toMatchObject({ uid: nobody, size: 7 });
});

test("a file that nobody may write to is updated all the same by its owner", async () => {
  writeFileSync(join(root, "f"), "old", { mode: 0o400 });
  expect(await restore({ f: file("new", { mode: 0o400 }) })).toEqual([]);
  expect([readFileSync(join(root, "f"), "utf8"), ...modes("f")]).toEqual(["new", 0o400]);
});

test.runIf(canMount())("a full disk is said in these words", async () => {
  const disk = join(root, "disk");
  mkdirSync(disk);
  mountSmallDisk(disk);
  try {
    await using small = nodeTarget(disk);
    await makeDirectories(small);
    await using full = await small.createFile(["f"]);
    const writing = full.write(0, new Uint8Array(1024 * 1024));
    await expect(writing).rejects.toMatchObject({
      code: "target-unwritable",
      message: "Could not write to the file /f: the disk is full",
    });
  } finally {
    execFileSync("umount", ["-l", disk]);
  }
});

test("closing leaves no descriptor open", async () => {
  const open = (): number => readdirSync("/dev/fd").length;
  const before = open();
  for (let number = 0; number < 100; number += 1) await makeDirectories(target, [`d${number}`]);
  expect(await readFile(target, await some())).toBe("x");
  expect(open()).toBeGreaterThan(before);
  await target[Symbol.asyncDispose]();
  expect(open()).toBe(before);

  async function some(): Promise<string[]> {
    await writeFile(target, ["d1", "f"], "x");
    return ["d1", "f"];
  }
});

test("a socket in a snapshot is passed over", async () => {
  expect(await restore({ s: new NodeSketch({ type: "socket" }) })).toEqual([]);
  expect(readdirSync(root)).toEqual([]);
});

/** In a container even root may not mount; the words themselves are tested in `target-error.test.ts`. */
function canMount(): boolean {
  if (!isRoot || process.platform !== "linux") return false;
  const place = mkdtempSync(join(tmpdir(), "saveos-mount-"));
  try {
    mountSmallDisk(place);
    execFileSync("umount", ["-l", place]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}

function mountSmallDisk(place: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", place], { stdio: "ignore" });
}

const quiet = { ownershipByName: false, onWarning: () => undefined };

const loud = {
  ownershipByName: false,
  onWarning: (_: unknown, message: string) => expect.unreachable(message),
};

const settings: RestoreSettings = {
  ...plainRestore,
  verify: true,
};

async function restore(tree: TreeSketch, given: Partial<RestoreSettings> = {}): Promise<RestoreProblem[]> {
  return await restoreSnapshot(new MemorySnapshot(tree), given);
}

async function restoreRootEntries(entries: [string, TreeSketch[string]][]): Promise<RestoreProblem[]> {
  const snapshot = new MemorySnapshot({});
  snapshot.setRootEntries(entries);
  return await restoreSnapshot(snapshot);
}

async function restoreSnapshot(
  snapshot: MemorySnapshot,
  given: Partial<RestoreSettings> = {},
): Promise<RestoreProblem[]> {
  const problems: RestoreProblem[] = [];
  const report = new RestoreReport({ onProblem: (problem) => problems.push(problem) });
  const { signal } = new AbortController();
  await runRestore({ ...settings, ...given, signal, reader: snapshot, target, report }, snapshot.root);
  return problems;
}

function modes(...names: string[]): number[] {
  return names.map((name) => lstatSync(join(root, name)).mode & 0o7777);
}

function attributesOf(name: string): Record<string, string> {
  const attributes = extendedAttributes(join(root, name), (_, message) => expect.unreachable(message));
  return Object.fromEntries(attributes.map((attribute) => [attribute.name, attribute.value.toHex()]));
}
