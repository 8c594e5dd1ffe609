import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isEngineError } from "../../errors/engine-error.ts";
import type { FileTarget, TargetFile, TargetPath } from "../../target/file-target.ts";
import { sampleNode } from "./sample-node.ts";

/** A new target with nothing in it, whose root is not made yet, and how to clean up after it. */
export interface TargetUnderTest extends AsyncDisposable {
  readonly target: FileTarget;
}

/** Names that would lead elsewhere if a target took them for paths. */
export const trapNames = ["", ".", "..", "a/b", "../x", "/etc", "a\0b", "\0"];

/** The promises of `FileTarget`, for any implementation. */
export function fileTargetSuite(label: string, open: () => Promise<TargetUnderTest>): void {
  describe(`the file target ${label}`, () => {
    let opened: TargetUnderTest;
    let target: FileTarget;

    beforeEach(async () => {
      opened = await open();
      target = opened.target;
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    });

    test("has no root until it is made, and says so of the second time", async () => {
      expect(await target.stat([])).toBeUndefined();
      expect(await target.stat(["a", "b"])).toBeUndefined();
      expect(await target.makeDirectory([])).toBe("made");
      expect(await target.makeDirectory([])).toBe("existed");
      expect(await target.stat([])).toMatchObject({ type: "dir" });
    });

    test("makes directories inside each other and lists them", async () => {
      await makeDirectories(target, ["a", "b"], ["c"]);
      expect((await target.list([])).toSorted()).toEqual(["a", "c"]);
      expect(await target.list(["a"])).toEqual(["b"]);
      expect(await target.list(["a", "b"])).toEqual([]);
      expect(await target.makeDirectory(["a", "b"])).toBe("existed");
    });

    test("keeps every byte of odd names", async () => {
      await target.makeDirectory([]);
      const names = [
        "\udcff\udce4",
        "new\nline",
        "😀",
        "é",
        "e\u0301",
        "x".repeat(255),
        "~",
        "-rf",
        "a\\b",
        "con",
        " ",
      ];
      for (const name of names) await writeFile(target, [name], name);
      expect((await target.list([])).toSorted()).toEqual(names.toSorted());
      for (const name of names) expect(await readFile(target, [name])).toBe(name.toWellFormed());
    });

    test("writes a file in any order, with zeros where nothing was written", async () => {
      await target.makeDirectory([]);
      await using file = await target.createFile(["f"]);
      await file.write(6, bytesOf("world"));
      await file.write(0, bytesOf("hello"));
      expect(textOf(await file.read(0, 100))).toBe("hello\0world");
      expect(textOf(await file.read(6, 3))).toBe("wor");
      expect(textOf(await file.read(11, 3))).toBe("");
    });

    test("writes a new file at once, with metadata or without", async () => {
      await target.makeDirectory([]);
      const mtimeNs = 1_600_000_000_000_000_001n;
      await target.writeNewFile(["f"], bytesOf("all of it"), sampleNode({ name: "f", mtimeNs }), quiet);
      await target.writeNewFile(["empty"], new Uint8Array(), undefined, quiet);
      expect(await readFile(target, ["f"])).toBe("all of it");
      expect(await target.stat(["f"])).toMatchObject({ mtimeNs });
      expect(await target.stat(["empty"])).toMatchObject({ type: "file", size: 0 });
      await target.createSymlink(["link"], "elsewhere");
      for (const name of ["f", "link", ".."])
        await expectUnwritable(target.writeNewFile([name], bytesOf("x"), undefined, quiet));
      expect(await readFile(target, ["f"])).toBe("all of it");
      const large = new Uint8Array(3 * 1024 * 1024).fill(7);
      await target.writeNewFile(["large"], large, sampleNode({ name: "large", mtimeNs }), quiet);
      expect(await target.stat(["large"])).toMatchObject({ size: large.length, mtimeNs });
    });

    test("sets the metadata of an open file that has lost its name", async () => {
      await target.makeDirectory([]);
      const mtimeNs = 1_600_000_000_000_000_001n;
      await using file = await target.createFile(["f"]);
      await file.write(0, bytesOf("x"));
      await target.createHardLink(["kept"], ["f"]);
      await target.remove(["f"]);
      await target.createSymlink(["f"], "elsewhere");
      await file.setMetadata(sampleNode({ name: "f", mtimeNs }), quiet);
      expect(await target.stat(["kept"])).toMatchObject({ mtimeNs });
      await expectUnwritable(file.setMetadata(sampleNode({ name: "f", type: "symlink" }), quiet));
    });

    test("writes many megabytes at once", async () => {
      await target.makeDirectory([]);
      const bytes = new Uint8Array(5 * 1024 * 1024).map((_, at) => at % 251);
      await using file = await target.createFile(["f"]);
      await file.write(3, bytes);
      expect(await target.stat(["f"])).toMatchObject({ type: "file", size: bytes.length + 3 });
      expect(Buffer.from(await file.read(3, bytes.length)).equals(bytes)).toBe(true);
    });

    test("updates a file in place and cuts or grows it", async () => {
      await target.makeDirectory([]);
      await writeFile(target, ["f"], "0123456789");
      {
        await using file = await target.openFile(["f"], "update");
        await file.write(2, bytesOf("xx"));
        await file.truncate(5);
      }
      expect(await readFile(target, ["f"])).toBe("01xx4");
      {
        await using file = await target.openFile(["f"], "update");
        await file.truncate(7);
      }
      expect(await readFile(target, ["f"])).toBe("01xx4\0\0");
    });

    test("does not write through a file opened for reading", async () => {
      await target.makeDirectory([]);
      await writeFile(target, ["f"], "kept");
      await using file = await target.openFile(["f"], "read");
      await expectUnwritable(file.write(0, bytesOf("lost")));
      expect(await readFile(target, ["f"])).toBe("kept");
    });

    test("creates nothing where something is", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["file"], "kept");
      await target.createSymlink(["link"], "nowhere");
      for (const name of ["dir", "file", "link"]) {
        await expectUnwritable(target.createFile([name]));
        await expectUnwritable(target.createSymlink([name], "elsewhere"));
        await expectUnwritable(target.createHardLink([name], ["file"]));
        await expectUnwritable(target.createSpecial([name], sampleNode({ name, type: "fifo" })));
        if (name !== "dir") await expectUnwritable(target.makeDirectory([name]));
      }
      expect(await readFile(target, ["file"])).toBe("kept");
    });

    test("opens only regular files", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["file"], "x");
      await target.createSymlink(["link"], "file");
      await target.createSpecial(["fifo"], sampleNode({ name: "fifo", type: "fifo" }));
      for (const name of ["dir", "link", "fifo", "absent"])
        for (const access of ["read", "update"] as const) await expectUnwritable(target.openFile([name], access));
    });

    test("tells what is there without following a link", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["file"], "12345");
      await target.createSymlink(["link"], "dir");
      await target.createSpecial(["fifo"], sampleNode({ name: "fifo", type: "fifo" }));
      expect(await target.stat(["dir"])).toMatchObject({ type: "dir" });
      expect(await target.stat(["file"])).toMatchObject({ type: "file", size: 5, links: 1n });
      expect(await target.stat(["link"])).toMatchObject({ type: "symlink" });
      expect(await target.stat(["fifo"])).toMatchObject({ type: "fifo" });
      expect(await target.stat(["absent"])).toBeUndefined();
      expect(await target.stat(["dir", "absent"])).toBeUndefined();
    });

    test("never walks through a link or a file", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["dir", "inner"], "kept");
      await writeFile(target, ["file"], "x");
      await target.createSymlink(["link"], "dir");
      for (const way of ["link", "file"]) {
        await expectUnwritable(target.stat([way, "inner"]));
        await expectUnwritable(target.list([way]));
        await expectUnwritable(target.createFile([way, "new"]));
        await expectUnwritable(target.openFile([way, "inner"], "update"));
        await expectUnwritable(target.makeDirectory([way, "new"]));
        await expectUnwritable(target.createSymlink([way, "new"], "x"));
        await expectUnwritable(target.createHardLink([way, "new"], ["file"]));
        await expectUnwritable(target.createHardLink(["new"], [way, "inner"]));
        await expectUnwritable(target.remove([way, "inner"]));
        await expectUnwritable(target.setMetadata([way, "inner"], sampleNode({ name: "inner" }), quiet));
      }
      expect(await target.list(["dir"])).toEqual(["inner"]);
      expect(await readFile(target, ["dir", "inner"])).toBe("kept");
    });

    test("refuses names that are no plain names, everywhere", async () => {
      await makeDirectories(target, ["a"]);
      for (const name of trapNames) {
        expect(target.nameProblem(name), JSON.stringify(name)).toBeDefined();
        for (const path of [[name], ["a", name], [name, "a"]]) {
          await expectUnwritable(target.stat(path));
          await expectUnwritable(target.list(path));
          await expectUnwritable(target.makeDirectory(path));
          await expectUnwritable(target.createFile(path));
          await expectUnwritable(target.openFile(path, "read"));
          await expectUnwritable(target.createSymlink(path, "x"));
          await expectUnwritable(target.createSpecial(path, sampleNode({ name, type: "fifo" })));
          await expectUnwritable(target.remove(path));
          await expectUnwritable(target.setMetadata(path, sampleNode({ name, type: "dir" }), quiet));
        }
      }
      expect(target.nameProblem("...")).toBeUndefined();
    });

    test("hard links share their bytes, and only regular files have them", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["file"], "one");
      await target.createSymlink(["link"], "file");
      await target.createHardLink(["dir", "second"], ["file"]);
      expect(await target.stat(["file"])).toMatchObject({ links: 2n });
      {
        await using file = await target.openFile(["dir", "second"], "update");
        await file.write(0, bytesOf("two"));
      }
      expect(await readFile(target, ["file"])).toBe("two");
      for (const existing of ["link", "dir", "absent"])
        await expectUnwritable(target.createHardLink(["new"], [existing]));
    });

    test("removes files, links and empty directories, and nothing more", async () => {
      await makeDirectories(target, ["empty"], ["full"]);
      await writeFile(target, ["full", "file"], "kept");
      await target.createSymlink(["link"], "full");
      await target.remove(["empty"]);
      await target.remove(["link"]);
      await target.remove(["absent"]);
      await expectUnwritable(target.remove(["full"]));
      expect(await target.list([])).toEqual(["full"]);
      expect(await readFile(target, ["full", "file"])).toBe("kept");
    });

    test("a directory made anew in place of a removed one is the one that is used", async () => {
      await makeDirectories(target, ["a", "b"]);
      await target.list(["a", "b"]);
      await target.remove(["a", "b"]);
      await target.remove(["a"]);
      await makeDirectories(target, ["a", "b"]);
      await writeFile(target, ["a", "b", "file"], "x");
      expect(await target.list(["a", "b"])).toEqual(["file"]);
    });

    test("sets times to the nanosecond, before 1970 too", async () => {
      await makeDirectories(target, ["dir"]);
      await writeFile(target, ["file"], "x");
      await target.createSymlink(["link"], "file");
      for (const mtimeNs of [1_700_000_000_123_456_789n, -1n, -86_400_000_000_001n, 4_102_444_800_999_999_999n])
        for (const [name, type] of [
          ["dir", "dir"],
          ["file", "file"],
          ["link", "symlink"],
        ] as const) {
          await target.setMetadata([name], sampleNode({ name, type, mtimeNs }), quiet);
          expect(await target.stat([name])).toMatchObject({ mtimeNs });
        }
    });

    test("sets no metadata on an entry of another type", async () => {
      await target.makeDirectory([]);
      await target.createSymlink(["link"], "file");
      await expectUnwritable(target.setMetadata(["link"], sampleNode({ name: "link", type: "file" }), quiet));
      await expectUnwritable(target.setMetadata(["absent"], sampleNode({ name: "absent" }), quiet));
    });

    test("works in more directories than it can hold open, and in very deep ones", async () => {
      await target.makeDirectory([]);
      for (let number = 0; number < 300; number += 1) await makeDirectories(target, [`d${number}`, "inner"]);
      for (let number = 0; number < 300; number += 1)
        await writeFile(target, [`d${number}`, "inner", "f"], `${number}`);
      for (let number = 0; number < 300; number += 7)
        expect(await readFile(target, [`d${number}`, "inner", "f"])).toBe(`${number}`);
      const deep = Array.from({ length: 200 }, () => "deep");
      const other = Array.from({ length: 200 }, () => "other");
      await makeDirectories(target, deep, other);
      await writeFile(target, [...deep, "f"], "found");
      await target.createHardLink([...other, "g"], [...deep, "f"]);
      expect(await readFile(target, [...other, "g"])).toBe("found");
    });
  });
}

const quiet = { ownershipByName: false, onWarning: () => undefined };

/** Makes the directories with all that are above them. */
export async function makeDirectories(target: FileTarget, ...paths: TargetPath[]): Promise<void> {
  await target.makeDirectory([]);
  for (const path of paths) for (const depth of path.keys()) await target.makeDirectory(path.slice(0, depth + 1));
}

export async function writeFile(target: FileTarget, path: TargetPath, text: string): Promise<void> {
  await using file: TargetFile = await target.createFile(path);
  await file.write(0, bytesOf(text));
}

export async function readFile(target: FileTarget, path: TargetPath): Promise<string> {
  await using file = await target.openFile(path, "read");
  return textOf(await file.read(0, 1024 * 1024));
}

async function expectUnwritable(attempt: Promise<unknown>): Promise<void> {
  const error = await attempt.then(
    () => "it was allowed",
    (reason: unknown) => reason,
  );
  expect(isEngineError(error, "target-unwritable"), String(error)).toBe(true);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
