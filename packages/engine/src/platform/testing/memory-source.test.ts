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
  const [first, second] = [await source.stat("/a"), await source.stat("/folder/b")];
  expect(first.inode).toBe(second.inode);
  expect(first.links).toBe(2n);
});

test("a fault strikes the operation and path it was made for", async () => {
  const source = memorySource({ a: "1", b: "2" });
  source.failOn("/a", "stat", "permission denied");
  source.failOn("/b", "stat", "vanished");
  await expect(source.stat("/a")).rejects.toMatchObject({
    code: "source-unreadable",
    message: expect.stringContaining("permission denied"),
  });
  await expect(source.stat("/b")).rejects.toMatchObject({ code: "not-found" });
  expect(await source.list("/")).toHaveLength(2);
});
