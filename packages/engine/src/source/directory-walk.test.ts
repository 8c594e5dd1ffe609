import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EntryTable } from "../format/entry-table.ts";
import { compareNames } from "../format/names.ts";
import { directory, memorySource, type MemoryTree, symlink } from "../platform/testing/memory-source.ts";
import { compareInWalk, DirectoryWalk } from "./directory-walk.ts";
import type { FileSource } from "./file-source.ts";

const tree: MemoryTree = {
  data: {
    a: { "1": "one", deep: { deeper: { x: "x" } } },
    "a.b": { y: "y" },
    b: {},
    c: { link: symlink("../a") },
    left: { out: "out" },
  },
};

test("directories are listed in the order of a walk: what is in one before the next, names by their bytes", async () => {
  expect(await walked(memorySource(tree), ["a", "a.b", "b", "c"])).toEqual([
    "/data/a: 1 deep",
    "/data/a/deep: deeper",
    "/data/a/deep/deeper: x",
    "/data/a.b: y",
    "/data/b: ",
    "/data/c: link",
  ]);
});

test("what comes before a path is passed by, but for the way down to it", async () => {
  expect(await walked(memorySource(tree), ["a", "a.b", "b"], "/data/a/deep/deeper")).toEqual([
    "/data/a: 1 deep",
    "/data/a/deep: deeper",
    "/data/a/deep/deeper: x",
    "/data/a.b: y",
    "/data/b: ",
  ]);
  expect(await walked(memorySource(tree), ["a", "a.b", "b"], "/data/a.b")).toEqual(["/data/a.b: y", "/data/b: "]);
});

test("other file systems are not entered", async () => {
  const source = memorySource({
    data: { a: { mount: directory({ far: {} }, { deviceId: 7n }), near: {} } },
  });
  expect(await walked(source, ["a"])).toEqual(["/data/a: mount near", "/data/a/near: "]);
});

test("a directory that can't be listed, or has very many entries, is told, and the walk goes on", async () => {
  const many = Object.fromEntries(Array.from({ length: 8193 }, (_, n) => [`file ${n}`, ""]));
  const source = memorySource({ data: { a: { x: "x" }, b: { y: "y" }, c: many, d: { z: "z" } } });
  source.beforeEach = (operation, path) => {
    if (operation === "list" && path === "/data/a") throw new Error("input/output error");
  };
  expect(await walked(source, ["a", "b", "c", "d"])).toEqual([
    "/data/a not listed",
    "/data/b: y",
    "/data/c not listed",
    "/data/d: z",
  ]);
});

test("paths are ordered by the bytes of their names, one after another", () => {
  const name = fc.string({
    unit: fc.constantFrom("a", "b", ".", " ", "é", "\u{10000}", "\uffee"),
    minLength: 1,
    maxLength: 3,
  });
  const anyPath = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);
  fc.assert(
    fc.property(anyPath, anyPath, (a, b) => {
      const names = (path: string) => path.split("/");
      const first = names(a).findIndex((each, at) => each !== names(b)[at]);
      const expected =
        first === -1 || names(b)[first] === undefined
          ? names(a).length - names(b).length
          : compareNames(names(a)[first] ?? "", names(b)[first] ?? "");
      expect(Math.sign(compareInWalk(a, b))).toBe(Math.sign(expected));
    }),
  );
});

/** A line for each directory that the walk comes to. */
async function walked(
  source: Pick<FileSource, "entries" | "stat">,
  names: string[],
  from = "/data",
): Promise<string[]> {
  const { deviceId } = source.stat("/data");
  const walk = new DirectoryWalk(source, { path: "/data", names, deviceId }, { withAtime: false });
  const lines: string[] = [];
  for (let next = await walk.next(from); next; next = await walk.next(from))
    lines.push(next.isListed ? `${next.path}: ${namesIn(walk.entries)}` : `${next.path} not listed`);
  return lines;
}

function namesIn(entries: EntryTable): string {
  return Array.from({ length: entries.count }, (_, row) => entries.name(row))
    .toSorted()
    .join(" ");
}
