import { expect, test } from "vitest";
import { sampleNode } from "../platform/testing/sample-node.ts";
import { isUnchanged } from "./change-detection.ts";
import type { SourceStat } from "./file-source.ts";

const strict = { ignoreCtime: false, ignoreInode: false };
const stat: SourceStat = { type: "file", size: 5, mtimeNs: 1n, ctimeNs: 2n, inode: 3n, deviceId: 4n, links: 1n };
const parent = sampleNode({
  name: "f",
  type: "file",
  size: 5,
  mtimeNs: 1n,
  ctimeNs: 2n,
  inode: 3n,
  deviceId: 99n,
  content: [],
});

test("a file with the parent's size, times and inode is unchanged, whatever its device", () => {
  expect(isUnchanged(stat, parent, strict)).toBe(true);
});

test("any difference in size, mtime, ctime or inode is a change, a nanosecond too", () => {
  for (const change of [{ size: 6 }, { mtimeNs: 2n }, { ctimeNs: 3n }, { inode: 4n }])
    expect(isUnchanged({ ...stat, ...change }, parent, strict), Object.keys(change).join()).toBe(false);
});

test("ctime and inode can be left out; leaving out the inode leaves out ctime", () => {
  const ignoreCtime = { ignoreCtime: true, ignoreInode: false };
  const ignoreInode = { ignoreCtime: false, ignoreInode: true };
  expect(isUnchanged({ ...stat, ctimeNs: 9n }, parent, ignoreCtime)).toBe(true);
  expect(isUnchanged({ ...stat, inode: 9n }, parent, ignoreCtime)).toBe(false);
  expect(isUnchanged({ ...stat, ctimeNs: 9n, inode: 9n }, parent, ignoreInode)).toBe(true);
  expect(isUnchanged({ ...stat, mtimeNs: 9n }, parent, ignoreInode)).toBe(false);
});

test("only a file that was a file can be unchanged", () => {
  expect(isUnchanged({ ...stat, type: "symlink" }, parent, strict)).toBe(false);
  expect(isUnchanged(stat, sampleNode({ ...parent, type: "symlink" }), strict)).toBe(false);
});
