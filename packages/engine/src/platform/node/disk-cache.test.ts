import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ObjectId, objectIdFromBytes } from "../../format/ids.ts";
import type { ObjectKind } from "../../format/object-name.ts";
import { type HashedName, hashedName } from "../../store/layout.ts";
import { memoryStore } from "../../store/memory-store.ts";
import type { ObjectCache } from "../../store/object-cache.ts";
import { withCache } from "../../store/with-cache.ts";
import { objectStoreSuite } from "../testing/object-store-suite.ts";
import { defaultCacheFolder, openDiskCache } from "./disk-cache.ts";

const repositoryId = "cd".repeat(32);
const now = new Date("2026-03-01T12:00:00Z");
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

objectStoreSuite("a store with a cache on disk", async () => {
  const folder = await temporaryFolder();
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  return {
    store: withCache(memoryStore(), cache, { sha256, cachePack: () => true }),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
});

test("it is laid out as restic's: a tag, a version, and sealed objects in folders of their first byte", async () => {
  await using folder = await temporaryFolder();
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  const name = await putNew(cache, "index", "an index");
  const id = name.split("/")[1] ?? "";
  expect(await readFile(join(folder.path, "CACHEDIR.TAG"), "utf8")).toBe(
    "Signature: 8a477f597d28d172789f06886806bc55\n",
  );
  expect(await readFile(join(folder.path, repositoryId, "version"), "utf8")).toBe("1");
  const path = join(folder.path, repositoryId, "index", id.slice(0, 2), id);
  expect(await readFile(path, "utf8")).toBe("an index");
  expect((await stat(join(folder.path, repositoryId))).mode & 0o777).toBe(0o700);
});

test("opening notes the time of use on the folder", async () => {
  await using folder = await temporaryFolder();
  await openDiskCache(folder.path, repositoryId, now);
  expect((await stat(join(folder.path, repositoryId))).mtime).toEqual(now);
});

test("what one process cached, the next finds", async () => {
  await using folder = await temporaryFolder();
  const name = await putNew((await openDiskCache(folder.path, repositoryId, now)).objects, "snapshots", "a snapshot");
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  expect(await cache.get(name)).toEqual(bytesOf("a snapshot"));
  expect(await cache.get(name, { start: 2, end: 6 })).toEqual(bytesOf("snap"));
});

test("what is missing, or shorter than the range, is undefined", async () => {
  await using folder = await temporaryFolder();
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  const name = await putNew(cache, "data", "0123456789");
  expect(await cache.get(nameFor("data", bytesOf("missing")))).toBeUndefined();
  expect(await cache.get(name, { start: 9, end: 11 })).toBeUndefined();
});

test("a listing has the kind's objects and no temporary files or strangers, and a deleted one is gone", async () => {
  await using folder = await temporaryFolder();
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  const kept = await putNew(cache, "index", "kept");
  const deleted = await putNew(cache, "index", "deleted");
  await putNew(cache, "snapshots", "of another kind");
  await mkdir(join(folder.path, repositoryId, "index", "00"), { recursive: true });
  await writeFile(join(folder.path, repositoryId, "index", "00", `${"00".repeat(32)}-tmp-1`), "");
  await writeFile(join(folder.path, repositoryId, "index", "stranger"), "");
  await cache.delete(deleted);
  await cache.delete(deleted);
  expect((await listed(cache, "index")).map((id) => hashedName("index", id))).toEqual([kept]);
  expect(await listed(cache, "keys")).toEqual([]);
});

test("putting leaves no temporary file, also when many put the same", async () => {
  await using folder = await temporaryFolder();
  const { objects: cache } = await openDiskCache(folder.path, repositoryId, now);
  const names = await Promise.all(Array.from({ length: 8 }, () => putNew(cache, "index", "the same")));
  const id = names[0]?.split("/")[1] ?? "";
  expect(await readdir(join(folder.path, repositoryId, "index", id.slice(0, 2)))).toEqual([id]);
});

test("a cache that a newer program laid out is unsupported", async () => {
  await using folder = await temporaryFolder();
  await openDiskCache(folder.path, repositoryId, now);
  await writeFile(join(folder.path, repositoryId, "version"), "2");
  const opening = openDiskCache(folder.path, repositoryId, now);
  await expect(opening).rejects.toMatchObject({ code: "unsupported" });
});

test.each(["", "..", "../../etc", "a/b", "CD".repeat(32)])(
  "a repository's id that is not one names no folder: %j",
  async (id) => {
    await using folder = await temporaryFolder();
    await expect(openDiskCache(folder.path, id, now)).rejects.toMatchObject({ code: "invalid-input" });
    expect(await readdir(folder.path)).toEqual([]);
  },
);

test("the cache is where restic keeps its own", () => {
  expect(defaultCacheFolder({ RESTIC_CACHE_DIR: "/c" }, "linux")).toBe("/c");
  expect(defaultCacheFolder({ XDG_CACHE_HOME: "/x" }, "linux")).toBe("/x/restic");
  expect(defaultCacheFolder({}, "linux")).toMatch(/\/\.cache\/restic$/);
  expect(defaultCacheFolder({ XDG_CACHE_HOME: "/x" }, "darwin")).toMatch(/\/Library\/Caches\/restic$/);
  expect(defaultCacheFolder({ LOCALAPPDATA: "/l" }, "win32")).toBe("/l/restic");
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "saveos-disk-cache-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function putNew(cache: ObjectCache, kind: ObjectKind, text: string): Promise<HashedName> {
  const name = nameFor(kind, bytesOf(text));
  await cache.put(name, bytesOf(text));
  return name;
}

async function listed(cache: ObjectCache, kind: ObjectKind): Promise<ObjectId[]> {
  const ids: ObjectId[] = [];
  for await (const id of cache.list(kind)) ids.push(id);
  return ids;
}

function nameFor(kind: ObjectKind, bytes: Uint8Array): HashedName {
  return hashedName(kind, objectIdFromBytes(sha256(bytes)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
