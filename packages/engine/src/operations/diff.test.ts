import { beforeEach, expect, test } from "vitest";
import type { ObjectId } from "../format/ids.ts";
import { Forger, type ForgedNode } from "../platform/testing/forger.ts";
import { newTestRepository } from "../platform/testing/test-repository.ts";
import { loadIndex } from "../repository/load-index.ts";
import type { Repository } from "../repository/repository.ts";
import { diff, type DiffRequest, type DiffStatistics } from "./diff.ts";
import { findSnapshot } from "./snapshots.ts";

/** Text is a file, an object a folder, anything else the fields of an entry. */
interface Sketch {
  readonly [name: string]: string | Sketch | ForgedEntry;
}
class ForgedEntry {
  readonly fields: ForgedNode;
  constructor(fields: ForgedNode) {
    this.fields = fields;
  }
}
const entry = (fields: ForgedNode) => new ForgedEntry(fields);

let repository: Repository;
let forger: Forger;

beforeEach(async () => {
  repository = await newTestRepository();
  forger = new Forger(repository);
});

const time = "2024-01-01T00:00:00Z";

function treeOf(sketch: Sketch): string {
  const nodes = Object.entries(sketch).map(([name, content]): ForgedNode => {
    const common = { name, mtime: time, atime: time, ctime: time, uid: 0, gid: 0 };
    if (content instanceof ForgedEntry) return { ...common, content: null, ...content.fields };
    if (typeof content === "string") {
      const bytes = new TextEncoder().encode(content);
      return { ...common, type: "file", size: bytes.length, content: [forger.addBlob("data", bytes)] };
    }
    return { ...common, type: "dir", content: null, subtree: treeOf(content) };
  });
  return forger.addTree(nodes);
}

async function snapshotOf(sketch: Sketch): Promise<ObjectId> {
  const tree = treeOf(sketch);
  await forger.store();
  return await forger.snapshot(tree as Parameters<Forger["snapshot"]>[0]);
}

async function compare(
  before: Sketch,
  after: Sketch,
  { folders = ["", ""], ...request }: Partial<DiffRequest> & { folders?: readonly [string, string] } = {},
): Promise<{ changes: string[]; statistics: DiffStatistics }> {
  const ids = [await snapshotOf(before), await snapshotOf(after)];
  await loadIndex(repository);
  const changes: string[] = [];
  const statistics = await diff(repository, {
    source: await findSnapshot(repository, ids[0] + folders[0]),
    target: await findSnapshot(repository, ids[1] + folders[1]),
    onChange: ({ path, modifier }) => void changes.push(`${modifier} ${path}`),
    ...request,
  });
  return { changes, statistics };
}

const nothing = { files: 0, dirs: 0, others: 0, dataBlobs: 0, treeBlobs: 0, bytes: 0 };

test("a snapshot and itself are the same", async () => {
  const { changes, statistics } = await compare({ a: "1", b: { c: "2" } }, { a: "1", b: { c: "2" } });
  expect(changes).toEqual([]);
  expect(statistics).toEqual({ changedFiles: 0, added: nothing, removed: nothing });
});

test("what is added, removed and changed is told in the order of names, folders with all that is in them", async () => {
  const { changes, statistics } = await compare(
    { a: "1", gone: { deep: { x: "x" } }, m: "before" },
    { a: "1", m: "after it", new: { link: entry({ type: "symlink", linktarget: "a" }), y: "y" } },
  );
  expect(changes).toEqual([
    "- /gone/",
    "- /gone/deep/",
    "- /gone/deep/x",
    "M /m",
    "+ /new/",
    "+ /new/link",
    "+ /new/y",
  ]);
  expect(statistics).toMatchObject({
    changedFiles: 1,
    added: { files: 1, dirs: 1, others: 1, dataBlobs: 2, treeBlobs: 2 },
    removed: { files: 1, dirs: 2, others: 0, dataBlobs: 2, treeBlobs: 3 },
  });
});

test("blobs count for what they are before compression, and only where the other side has them nowhere", async () => {
  const same = { kept: "moved", inside: "12345" };
  const { changes, statistics } = await compare(
    { same, from: { f: "moved" }, x: "1234567" },
    { same, to: { f: "moved" }, z: "123" },
  );
  expect(changes).toEqual(["- /from/", "- /from/f", "+ /to/", "+ /to/f", "- /x", "+ /z"]);
  expect(statistics.added).toMatchObject({ dataBlobs: 1, treeBlobs: 1 });
  expect(statistics.removed).toMatchObject({ dataBlobs: 1, treeBlobs: 1 });
  expect(statistics.removed.bytes - statistics.added.bytes).toBe(7 - 3 + "from".length - "to".length);
});

test("a blob that lies deep in what did not change is neither new nor gone", async () => {
  const same = { deep: { er: { kept: "copied" } } };
  const { statistics } = await compare({ same, old: "copied" }, { same, new: "copied" });
  expect(statistics.added).toMatchObject({ files: 1, dataBlobs: 0, treeBlobs: 1 });
  const { statistics: copied } = await compare({ same }, { same, copy: same.deep });
  expect(copied.added).toMatchObject({ files: 1, dirs: 2, dataBlobs: 0, treeBlobs: 1 });
});

test("another type is told, and what it was or is inside is not", async () => {
  const { changes, statistics } = await compare(
    { t: "file", u: { inside: "x" }, v: entry({ type: "weird" }) },
    { t: { inside: "y" }, u: "file", v: entry({ type: "odd" }) },
  );
  expect(changes).toEqual(["T /t/", "T /u", "T /v"]);
  expect(statistics).toMatchObject({ changedFiles: 0, added: { files: 0, dirs: 0 }, removed: { files: 0, dirs: 0 } });
});

test("metadata is told only when it is asked for, and not where the content is another anyway", async () => {
  const meta = (mode: number) => entry({ type: "symlink", linktarget: "x", mode });
  const before = { d: { l: meta(1) }, f: "1", l: meta(1), t: meta(1) };
  const after = { d: { l: meta(2) }, f: "2", l: meta(2), t: "3" };
  expect((await compare(before, after)).changes).toEqual(["M? /f", "T /t"]);
  expect((await compare(before, after, { metadata: true })).changes).toEqual([
    "U /d/",
    "U /d/l",
    "M? /f",
    "U /l",
    "TU /t",
  ]);
});

test("content that changed while nothing else did may be a failing disk", async () => {
  const file = (content: string, mtime: string) =>
    entry({
      type: "file",
      size: 1,
      mtime,
      content: [forger.addBlob("data", new TextEncoder().encode(content))],
    });
  const { changes } = await compare(
    { a: file("1", time), b: file("1", time) },
    { a: file("2", time), b: file("2", "2024-01-02T00:00:00Z") },
  );
  expect(changes).toEqual(["M? /a", "M /b"]);
});

test("folders of two snapshots are compared as if they were roots; what is no folder is refused", async () => {
  const [before, after] = [
    { a: { x: "1" }, f: "1" },
    { b: { x: "2", y: "3" }, f: "1" },
  ];
  expect((await compare(before, after, { folders: [":/a", ":b/"] })).changes).toEqual(["M? /x", "+ /y"]);
  await expect(compare(before, after, { folders: [":/a", ":/a"] })).rejects.toMatchObject({ code: "not-found" });
  await expect(compare(before, after, { folders: [":/f", ""] })).rejects.toMatchObject({ code: "invalid-input" });
});

test("a folder that can't be read is told, and the others are compared", async () => {
  const lost = entry({ type: "dir", subtree: "0".repeat(64) });
  const unreadable: string[] = [];
  const { changes } = await compare(
    { a: "1", lost, z: "1" },
    { a: "22", lost: { x: "1" }, new: lost, z: "22" },
    { onUnreadable: (path) => unreadable.push(path) },
  );
  expect([changes, unreadable]).toEqual([
    ["M /a", "+ /new/", "M /z"],
    ["/lost/", "/new/"],
  ]);
  await expect(compare({ lost }, { lost: {} })).rejects.toMatchObject({ code: "not-found" });
});
