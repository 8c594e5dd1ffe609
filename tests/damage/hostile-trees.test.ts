import { lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  check,
  findFiles,
  listFiles,
  loadIndex,
  listSnapshots,
  parsePatterns,
  repositoryStats,
  type Repository,
  type RestoreProblem,
} from "@saveos/engine";
import { backUp, type ForgedNode, Forger, memorySource, testLock } from "@saveos/engine/testing";
import { dump } from "../../packages/engine/src/operations/dump.ts";
import { restoreTo } from "../support/engine.ts";
import { clearOutcome } from "../support/clear-outcome.ts";
import { findings, newQuickRepository } from "../support/quick-engine.ts";
import { mustRun } from "../support/run.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/*
 * What somebody with the repository's key, or a program gone mad, may have written. Restores go to a real folder, beside which lies what must stay as it is.
 */

let temp: TempFolder;
let repository: Repository;
let forger: Forger;
beforeEach(async () => {
  temp = await tempFolder();
  await mkdir(join(temp.path, "target"));
  await mkdir(join(temp.path, "outside"));
  await writeFile(join(temp.path, "outside/precious"), "precious");
  repository = await newQuickRepository();
  forger = new Forger(repository);
});
afterEach(async () => await temp[Symbol.asyncDispose]());

const text = (content: string) => new TextEncoder().encode(content);

/** A node as restic writes it, with these fields in place of the usual ones. */
function node(fields: ForgedNode): ForgedNode {
  const time = "2024-01-01T00:00:00Z";
  return {
    name: "file",
    type: "file",
    mode: 0o644,
    mtime: time,
    atime: time,
    ctime: time,
    uid: 0,
    gid: 0,
    content: null,
    ...fields,
  };
}

function fileNode(name: string, content = "good"): ForgedNode {
  return node({ name, size: content.length, links: 1, content: [forger.addBlob("data", text(content))] });
}

function folderNode(name: string, nodes: readonly ForgedNode[] | string): ForgedNode {
  return node({ name, type: "dir", mode: 0x8000_01ed, subtree: forger.addTree(nodes) });
}

function linkNode(name: string, linktarget: string): ForgedNode {
  return node({ name, type: "symlink", mode: 0x0800_01ff, linktarget });
}

interface Restored {
  readonly problems: readonly RestoreProblem[];
  /** Paths below the target. */
  readonly entries: readonly string[];
}

/** Stores a snapshot of these nodes, lets every operation try it, and restores it to a real folder. */
async function restoreForged(nodes: readonly ForgedNode[] | string): Promise<Restored> {
  const tree = forger.addTree(nodes);
  await forger.store();
  return await restoreTree(await forger.snapshot(tree));
}

async function restoreTree(snapshot: string): Promise<Restored> {
  await tryReading();
  const problems: RestoreProblem[] = [];
  const outcome = await clearOutcome(() =>
    restoreTo(repository, join(temp.path, "target"), {
      snapshot,
      verify: true,
      delete: true,
      lock: testLock,
      onProblem: (problem) => problems.push(problem),
    }),
  );
  if ("error" in outcome)
    problems.push({ path: "", during: "restore", message: outcome.error.message, cause: outcome.error });
  // Whatever happened inside the target, nothing did outside.
  expect((await readdir(temp.path)).toSorted()).toEqual(["outside", "target"]);
  expect(await readdir(join(temp.path, "outside"))).toEqual(["precious"]);
  expect(await readFile(join(temp.path, "outside/precious"), "utf8")).toBe("precious");
  return { problems, entries: (await readdir(join(temp.path, "target"), { recursive: true })).toSorted() };
}

async function tryReading(): Promise<void> {
  await clearOutcome(() => findings(repository));
  const snapshots = await listSnapshots(repository);
  await clearOutcome(() => loadIndex(repository));
  for (const snapshot of snapshots) {
    await clearOutcome(() => drain(listFiles(repository, snapshot)));
    for (const archive of ["tar", "zip"] as const)
      await clearOutcome(() => drain(dump(repository, { snapshot, path: "/", archive, lock: testLock })));
  }
  await clearOutcome(() => drain(findFiles(repository, { snapshots, patterns: parsePatterns(["*"]) })));
  for (const mode of ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"] as const)
    await clearOutcome(() => repositoryStats(repository, { mode, snapshots }));
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const messagesOf = ({ problems }: Restored) => problems.map(({ message }) => message).join("; ");

describe("a name that leads out of its folder is refused, and nothing is written outside the target", () => {
  test.each([
    "..",
    ".",
    "",
    "a/b",
    "../outside/precious",
    "/etc/passwd",
    "nul\\x00byte",
    "\\x2e\\x2e",
    "..\\x2foutside",
  ])("%j", async (name) => {
    const restored = await restoreForged([folderNode("bad", [fileNode(name, "evil")]), fileNode("good")]);
    expect(restored.problems.length).toBeGreaterThan(0);
    expect(restored.entries).toEqual(["bad", "good"]);
    expect((await findings(repository)).length).toBeGreaterThan(0);
  });

  test("a folder of that name, with something in it", async () => {
    const restored = await restoreForged([
      folderNode("bad", [folderNode("..", [folderNode("outside", [fileNode("precious", "evil")])])]),
      fileNode("good"),
    ]);
    expect(restored.entries).toEqual(["bad", "good"]);
  });
});

describe("a link never leads a restore elsewhere", () => {
  test("one that comes first, then a folder of the same name", async () => {
    const outside = join(temp.path, "outside");
    const restored = await restoreForged([
      linkNode("a", outside),
      folderNode("a", [fileNode("precious", "evil")]),
      fileNode("b"),
    ]);
    expect(messagesOf(restored)).toContain("out of order");
    expect(restored.entries).toContain("b");
  });

  test("a folder that comes first, then a link of the same name", async () => {
    const restored = await restoreForged([
      folderNode("a", [fileNode("precious", "evil")]),
      linkNode("a", join(temp.path, "outside")),
    ]);
    expect(messagesOf(restored)).toContain("out of order");
    expect(restored.entries).toEqual(["a", "a/precious"]);
  });

  test("one that is in the target already, where the snapshot has a folder", async () => {
    await symlink(join(temp.path, "outside"), join(temp.path, "target/a"));
    const restored = await restoreForged([folderNode("a", [fileNode("precious", "evil")])]);
    expect(restored.problems).toEqual([]);
    expect((await lstat(join(temp.path, "target/a"))).isDirectory()).toBe(true);
  });

  test("one that is in the target already, where the snapshot has a file", async () => {
    await symlink(join(temp.path, "outside/precious"), join(temp.path, "target/a"));
    const restored = await restoreForged([fileNode("a", "evil")]);
    expect(restored.problems).toEqual([]);
    expect(await readFile(join(temp.path, "target/a"), "utf8")).toBe("evil");
  });

  test("a hard link whose first name is a link", async () => {
    const blob = forger.addBlob("data", text("evil"));
    const linked = { links: 2, inode: 7, device_id: 1, size: 4, content: [blob] };
    await restoreForged([
      node({
        name: "a",
        ...linked,
        type: "symlink",
        mode: 0x0800_01ff,
        linktarget: join(temp.path, "outside/precious"),
      }),
      node({ name: "b", ...linked }),
    ]);
    expect(await readFile(join(temp.path, "target/b"), "utf8")).toBe("evil");
  });
});

describe("a tree that is not one directory is said, and the rest is restored", () => {
  test.each<[string, () => readonly ForgedNode[] | string]>([
    ["two files of one name", () => [fileNode("a", "one"), fileNode("a", "two")]],
    ["names out of order", () => [fileNode("b"), fileNode("a")]],
    ["a type that nobody knows", () => [node({ name: "a", type: "teleporter" })]],
    ["no type", () => [node({ name: "a", type: undefined })]],
    ["a folder without a tree", () => [node({ name: "a", type: "dir", mode: 0x8000_01ed })]],
    [
      "a folder whose tree is nowhere",
      () => [node({ name: "a", type: "dir", mode: 0x8000_01ed, subtree: "ab".repeat(32) })],
    ],
    ["a file whose blob is nowhere", () => [node({ name: "a", content: ["cd".repeat(32)], size: 5 })]],
    ["a file without contents", () => [node({ name: "a", content: null, size: 5 })]],
    ["a size of 8 PiB", () => [{ ...fileNode("a"), size: 2 ** 53 - 1 }]],
    ["a size beyond all numbers", () => [{ ...fileNode("a"), size: 1e300 }]],
    ["a negative size", () => [{ ...fileNode("a"), size: -1 }]],
    ["a time that is no time", () => [{ ...fileNode("a"), mtime: "yesterday" }]],
    ["no JSON", () => "not a tree"],
    ["JSON of something else", () => "[1,2,3]"],
    [
      "a blob that refers to a data blob as its tree",
      () => [node({ name: "a", type: "dir", mode: 0x8000_01ed, subtree: forger.addBlob("data", text("no tree")) })],
    ],
  ])("%s", async (_, makeNodes) => {
    const restored = await restoreForged([folderNode("bad", makeNodes()), fileNode("good")]);
    expect(await readFile(join(temp.path, "target/good"), "utf8")).toBe("good");
    expect(restored.problems.length).toBeGreaterThan(0);
    expect((await findings(repository)).filter(({ severity }) => severity === "error")).not.toEqual([]);
  });

  test.each<[string, () => readonly ForgedNode[]]>([
    ["a time in the year 99999", () => [{ ...fileNode("a"), mtime: "99999-01-01T00:00:00Z" }]],
    ["a mode of all ones", () => [{ ...fileNode("a"), mode: 0xffff_ffff }]],
    [
      "a device that does not exist",
      () => [node({ name: "a", type: "chardev", mode: 0x0420_01a4, device: "18446744073709551615" })],
    ],
  ])("%s does no harm", async (_, makeNodes) => {
    await restoreForged([folderNode("bad", makeNodes()), fileNode("good")]);
    expect(await readFile(join(temp.path, "target/good"), "utf8")).toBe("good");
  });

  test("names that only look dangerous are restored as they are", async () => {
    const names = ["\\\\..\\\\outside", "~", "...", "-rf", "$HOME", "a\\tb"].toSorted();
    const restored = await restoreForged([
      fileNode("\\nfirst"),
      ...names.map((name) => fileNode(name)),
      fileNode("\\xff last"),
    ]);
    expect(messagesOf(restored)).toBe("");
    expect(restored.entries).toHaveLength(names.length + 2);
  });
});

describe("a tree without end", () => {
  test("10,000 folders in each other end with a clear error, and what is beside them is restored", async () => {
    let nodes: readonly ForgedNode[] = [fileNode("bottom")];
    for (let depth = 0; depth < 10_000; depth++) nodes = [folderNode("d", nodes)];
    const tree = forger.addTree([...nodes, fileNode("good")]);
    await forger.store();
    const snapshot = await forger.snapshot(tree);
    expect(await check(repository, { lock: testLock })).toMatchObject({ errors: 0 });
    const problems: string[] = [];
    const outcome = await clearOutcome(() =>
      restoreTo(repository, join(temp.path, "target"), {
        snapshot,
        lock: testLock,
        onProblem: ({ message }) => problems.push(message),
      }),
    );
    expect("error" in outcome ? outcome.error.message : problems.join("; ")).toMatch(/2048|deep|long/);
    expect(await readFile(join(temp.path, "target/good"), "utf8")).toBe("good");
    // Node can't name what lies so deep.
    await mustRun("rm", ["-rf", join(temp.path, "target")]);
  });

  test("a million paths made of a few trees are found one after the other, not all at once", async () => {
    // Each folder holds the next one ten times: no cycle is possible in a tree of hashes, but this comes near.
    let nodes: readonly ForgedNode[] = [fileNode("leaf")];
    for (let depth = 0; depth < 6; depth++) {
      const subtree = forger.addTree(nodes);
      nodes = Array.from({ length: 10 }, (_, i) => node({ name: String(i), type: "dir", mode: 0x8000_01ed, subtree }));
    }
    const tree = forger.addTree(nodes);
    await forger.store();
    const id = await forger.snapshot(tree);
    // Each tree is looked at once.
    expect(await check(repository, { lock: testLock })).toMatchObject({ errors: 0 });
    await loadIndex(repository);
    const snapshot = (await listSnapshots(repository)).find((one) => one.id === id) ?? expect.unreachable();
    let seen = 0;
    for await (const _ of listFiles(repository, snapshot)) if (++seen === 5000) break;
    expect(seen).toBe(5000);
  });
});

test("the next backup is not misled by a hostile parent", async () => {
  const source = memorySource({ home: { "notes.txt": "mine" } });
  const bad = folderNode("home", [{ ...fileNode("notes.txt", "evil"), name: "../notes.txt" }]);
  const tree = forger.addTree([bad]);
  await forger.store();
  await forger.snapshot(tree, { hostname: "alpha", paths: ["/home"] });
  const warnings: string[] = [];
  const { snapshotId, problems } = await backUp(repository, source, {
    onWarning: (_, message) => warnings.push(message),
  });
  expect(problems).toBe(0);
  expect(warnings.join()).toContain("no name inside a directory");
  await restoreTo(repository, join(temp.path, "target"), { snapshot: snapshotId ?? "", lock: testLock });
  expect(await readFile(join(temp.path, "target/home/notes.txt"), "utf8")).toBe("mine");
});
