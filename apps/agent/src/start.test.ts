import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { findHome } from "./host/home.ts";

const start = path.join(import.meta.dirname, "start.js");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "saveos-start-"));
  return () => rm(folder, { recursive: true });
});

test.each(["SAVEOS_HOME", "XDG_CACHE_HOME", "HOME"])(
  "compiled files are kept in the cache folder that %s says",
  async (variable) => {
    const env = { [variable]: folder };
    await runVersion(env);
    const { cacheFolder } = findHome({ platform: process.platform, env, homeFolder: folder, system: false });
    const compiled = path.join(cacheFolder, "compiled");
    expect(await readdir(compiled)).toHaveLength(1);
    if (process.platform !== "win32") expect((await stat(compiled)).mode & 0o777).toBe(0o700);
  },
);

test.skipIf(process.platform === "win32")("a folder that others may write into is not used", async () => {
  const compiled = path.join(folder, "cache", "compiled");
  await mkdir(compiled, { recursive: true });
  await chmod(compiled, 0o777);
  await runVersion({ SAVEOS_HOME: folder });
  expect(await readdir(compiled)).toEqual([]);
});

test("without a place to keep anything it runs all the same", async () => {
  await runVersion({ SAVEOS_HOME: path.join(process.execPath, "no-folder") });
});

async function runVersion(env: Readonly<Record<string, string>>): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [start, "version"], { env });
  expect(stdout).toMatch(/\d/);
}
