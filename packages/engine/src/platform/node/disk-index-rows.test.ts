import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { parseObjectId } from "../../format/ids.ts";
import { diskIndexRows } from "./disk-index-rows.ts";

const [first, second] = [parseObjectId("11".repeat(32)), parseObjectId("22".repeat(32))];
const bytes = new Uint8Array([1, 2, 3]);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "saveos-index-rows-"));
  return () => rm(root, { recursive: true });
});

test("what one process keeps, the next finds, in a folder for the owner alone", async () => {
  await diskIndexRows(root, fail).put(first, bytes);
  const cache = diskIndexRows(root, fail);
  expect(await cache.get(first)).toEqual(bytes);
  expect(await cache.get(second)).toBeUndefined();
  const folder = join(root, "saveos-index");
  expect(await readdir(folder)).toEqual([first]);
  if (process.platform !== "win32") expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test("only what is named is kept, and what is no index file is left alone", async () => {
  const cache = diskIndexRows(root, fail);
  await cache.keepOnly(new Set());
  for (const id of [first, second]) await cache.put(id, bytes);
  await writeFile(join(root, "saveos-index", `${second}-tmp-1`), "of another process");
  await cache.keepOnly(new Set([first]));
  expect((await readdir(join(root, "saveos-index"))).toSorted()).toEqual([first, `${second}-tmp-1`]);
});

test("a folder that can't be made is told, and is no reason to stop", async () => {
  await writeFile(join(root, "saveos-index"), "in the way");
  const told: unknown[] = [];
  const cache = diskIndexRows(root, (error) => told.push(error));
  await cache.put(first, bytes);
  expect(await cache.get(first)).toBeUndefined();
  await cache.keepOnly(new Set());
  expect(told).not.toEqual([]);
});

function fail(error: unknown): void {
  throw error;
}
