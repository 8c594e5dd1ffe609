import { closeSync, writeSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openUnnamedFile } from "./unnamed-file.ts";
import { nameDurably } from "./write-durably.ts";

const modes = { modeWhileWritten: 0o600, modeWhenDone: 0o400 };
const linuxTest = test.runIf(process.platform === "linux");

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-durably-"));
  path = join(folder, "pack");
});
afterEach(() => rm(folder, { recursive: true }));

/** An unnamed file with this text; `use` gets it, then it is closed. */
async function withFile(text: string, use: (file: { descriptor: number; sizeBytes: number }) => Promise<void>) {
  const descriptor = openUnnamedFile(folder) ?? expect.unreachable();
  try {
    await use({ descriptor, sizeBytes: writeSync(descriptor, text) });
  } finally {
    closeSync(descriptor);
  }
}

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

linuxTest.each(["EXDEV", "EPERM", "EOPNOTSUPP"])(
  "a file that can't be given its name (%s) is copied: whole, with its mode, in the place of what was there",
  async (code) => {
    await writeFile(path, "before");
    await withFile("a pack", async (file) => await nameDurably(path, file, modes, failing(code)));
    expect(await readFile(path, "utf8")).toBe("a pack");
    expect((await stat(path)).mode & 0o777).toBe(0o400);
    expect(await readdir(folder)).toEqual(["pack"]);
  },
);

linuxTest("what else keeps a file from its name is said", async () => {
  await withFile("a pack", async (file) => {
    await expect(nameDurably(path, file, modes, failing("ENOSPC"))).rejects.toThrow("ENOSPC");
  });
  expect(await readdir(folder)).toEqual([]);
});

linuxTest("who gives up before the file has its name leaves nothing", async () => {
  await withFile("a pack", async (file) => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(nameDurably(path, file, { ...modes, signal })).rejects.toThrow("enough");
  });
  expect(await readdir(folder)).toEqual([]);
});
