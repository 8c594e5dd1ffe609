import { expect, test } from "vitest";
import { fileSourceSuite } from "./file-source-suite.ts";
import { file, memorySource, symlink } from "./memory-source.ts";

fileSourceSuite("a source in memory", () => {
  const source = memorySource({ root: {} });
  return {
    source,
    root: "/root",
    writeFile: (path, bytes) => source.put(path, bytes),
    makeDirectory: (path) => source.put(path, {}),
    makeSymlink: (path, linkTarget) => source.put(path, symlink(linkTarget)),
    remove: (path) => source.remove(path),
  };
});

test("an entry in two places is one file with two links", async () => {
  const shared = file("x");
  const source = memorySource({ a: shared, folder: { b: shared } });
  const [first, second] = [source.stat("/a"), source.stat("/folder/b")];
  expect(first.inode).toBe(second.inode);
  expect(first.links).toBe(2n);
});

test("a fault strikes the operation and path it was made for", async () => {
  const source = memorySource({ a: "1", b: "2" });
  source.failOn("/a", "stat", "permission denied");
  source.failOn("/b", "stat", "vanished");
  expect(() => source.stat("/a")).toThrow(
    expect.objectContaining({ code: "source-unreadable", message: expect.stringContaining("permission denied") }),
  );
  expect(() => source.stat("/b")).toThrow(expect.objectContaining({ code: "not-found" }));
  expect(await source.list("/")).toHaveLength(2);
});
