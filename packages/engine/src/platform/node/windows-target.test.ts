import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileTarget } from "../../target/file-target.ts";
import { makeDirectories, readFile, writeFile } from "../testing/file-target-suite.ts";
import { sampleNode } from "../testing/sample-node.ts";
import { WindowsTarget } from "./windows-target.ts";

// Its calls are Node's own and its rules are about paths, so most of it can be tried on any system; what only Windows does is not.

let folder: string;
let target: FileTarget;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "saveos-windows-"));
  mkdirSync(join(folder, "outside"));
  writeFileSync(join(folder, "outside", "f"), "untouched");
  target = new WindowsTarget(join(folder, "root"));
});
afterEach(() => {
  expect(readdirSync(join(folder, "outside"))).toEqual(["f"]);
  expect(readFileSync(join(folder, "outside", "f"), "utf8")).toBe("untouched");
  rmSync(folder, { recursive: true });
});

test("files, directories and links are made, read, updated and removed", async () => {
  expect(await target.stat([])).toBeUndefined();
  await makeDirectories(target, ["a", "b"]);
  await writeFile(target, ["a", "b", "f"], "content");
  await target.createHardLink(["g"], ["a", "b", "f"]);
  await target.createSymlink(["l"], "a");
  {
    await using file = await target.openFile(["g"], "update");
    await file.write(0, new TextEncoder().encode("CON"));
    await file.truncate(5);
  }
  expect(await readFile(target, ["a", "b", "f"])).toBe("CONte");
  expect((await target.list([])).toSorted()).toEqual(["a", "g", "l"]);
  await target.setMetadata(["g"], sampleNode({ name: "g", mode: 0o444, mtimeNs: 1_700_000_000_123_456_000n }), quiet);
  expect(await target.stat(["g"])).toMatchObject({ type: "file", size: 5, links: 2n });
  expect(lstatSync(join(folder, "root", "g")).mtimeMs).toBeCloseTo(1_700_000_000_123.456, 2);
  await target.remove(["l"]);
  await target.remove(["a", "b", "f"]);
  await target.remove(["a", "b"]);
  expect(await target.list(["a"])).toEqual([]);
});

test("a link on the way is refused by every call", async () => {
  await makeDirectories(target);
  symlinkSync(join(folder, "outside"), join(folder, "root", "x"));
  const calls = [
    () => target.createFile(["x", "new"]),
    () => target.openFile(["x", "f"], "update"),
    () => target.makeDirectory(["x", "new"]),
    () => target.remove(["x", "f"]),
    () => target.list(["x"]),
    () => target.setMetadata(["x", "f"], sampleNode({ name: "f" }), quiet),
    () => target.createHardLink(["new"], ["x", "f"]),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "target-unwritable" });
  await expect(target.openFile(["x"], "update")).rejects.toThrow("no regular file");
});

test("names that Windows takes for something else are refused", async () => {
  await makeDirectories(target);
  for (const name of ["..\\x", "C:x", "nul", "f:stream", "f."])
    await expect(target.createFile([name]), name).rejects.toMatchObject({ code: "target-unwritable" });
});

const quiet = { ownershipByName: false, onWarning: () => undefined };
