import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OpenDirectories } from "./open-directories.ts";
import { statAt } from "./posix-stat.ts";
import { openDirectory } from "./posix-write.ts";

let root: string;
let directories: OpenDirectories;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "saveos-directories-"));
  mkdirSync(join(root, "a", "b"), { recursive: true });
  writeFileSync(join(root, "a", "b", "f"), "12345");
  directories = new OpenDirectories(() => openDirectory(root));
});
afterEach(() => {
  directories.close();
  rmSync(root, { recursive: true });
});

test("the same place is opened once, whatever array names it", () => {
  const first = directories.at(["a", "b", "f"], 2);
  expect(directories.at(["a", "b"])).toBe(first);
  expect(directories.at(["a"])).not.toBe(first);
  expect(directories.at(["a", "b", "g"], 2)).toBe(first);
  expect(statAt(first, "f").size).toBe(5);
});

test("after closing, the next use opens again", () => {
  const before = readdirSync("/dev/fd").length;
  directories.at(["a", "b"]);
  directories.close();
  expect(readdirSync("/dev/fd")).toHaveLength(before);
  expect(statAt(directories.at(["a", "b"]), "f").size).toBe(5);
});

test("names that would be another place are refused, even where their joined path is open", () => {
  directories.at(["a", "b"]);
  for (const path of [["a/b"], ["a", "."], ["a", "..", "a"], ["", "a"]])
    expect(() => directories.at(path)).toThrow(expect.objectContaining({ code: "target-unwritable" }));
});
