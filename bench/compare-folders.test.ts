import { chmod, cp, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareFolders } from "./compare-folders.ts";

const signal = new AbortController().signal;
let temp: string;

beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), "saveos-bench-test-"));
  await mkdir(join(temp, "one/folder"), { recursive: true });
  await writeFile(join(temp, "one/folder/large"), new Uint8Array(3 * 1024 * 1024 + 5));
  await writeFile(join(temp, "one/small"), "small");
  for (const name of ["folder/large", "small", "folder", ""]) await utimes(join(temp, "one", name), 1e9, 1e9);
  await cp(join(temp, "one"), join(temp, "other"), { recursive: true, preserveTimestamps: true });
  for (const name of ["folder/large", "small", "folder", ""]) await utimes(join(temp, "other", name), 1e9, 1e9);
});
afterEach(async () => await rm(temp, { recursive: true }));

const compare = async () => await compareFolders(join(temp, "one"), join(temp, "other"), signal);

/** Changes a file and leaves no other trace. */
async function secretly(change: () => Promise<void>): Promise<void> {
  await change();
  for (const name of ["folder/large", "small", "folder", ""])
    await utimes(join(temp, "other", name), 1e9, 1e9).catch(() => undefined);
}

describe("comparing a restored folder", () => {
  test("equal ones pass", async () => {
    await compare();
  });

  test.each<[string, RegExp, () => Promise<void>]>([
    [
      "a byte in the last piece",
      /large differs/,
      async () => {
        const bytes = new Uint8Array(3 * 1024 * 1024 + 5);
        bytes[bytes.length - 1] = 1;
        await writeFile(join(temp, "other/folder/large"), bytes);
      },
    ],
    ["a length", /small has 6 bytes/, async () => await writeFile(join(temp, "other/small"), "small!")],
    ["a mode", /small has mode/, async () => await chmod(join(temp, "other/small"), 0o600)],
    ["a file that is gone", /holds 1 entries, not the 2/, async () => await rm(join(temp, "other/small"))],
    ["a file too many", /holds 3 entries/, async () => await writeFile(join(temp, "other/more"), "")],
    ["everything gone", /is not there/, async () => await rm(join(temp, "other"), { recursive: true })],
  ])("another is named: %s", async (_, message, change) => {
    await secretly(change);
    await expect(compare()).rejects.toThrow(message);
  });

  test("another is named: a time of modification", async () => {
    await utimes(join(temp, "other/folder"), 1e9, 1e9 + 1);
    await expect(compare()).rejects.toThrow(/folder has mtime/);
  });
});
