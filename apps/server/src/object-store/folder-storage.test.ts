import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  hashedObject,
  listAll,
  newRepository,
  objectStorageSuite,
  sha256Of,
  store,
  storeConfig,
} from "../testing/object-storage-suite.ts";
import { folderStorage } from "./folder-storage.ts";

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "saveos-objects-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

objectStorageSuite("the folder storage", async () => await folderStorage(await temporaryFolder()));

test("a folder repository has restic's own layout and modes", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const bytes = Buffer.from("a pack");
  const pack = hashedObject("data", bytes);
  await store(objects, repository, pack, bytes);
  await storeConfig(objects, repository, "config");

  const root = join(path, repository);
  expect((await readdir(root)).sort()).toEqual(["config", "data", "index", "keys", "locks", "snapshots"]);
  expect(await readdir(join(root, "data"))).toHaveLength(256);
  const packPath = join(root, "data", pack.name.slice(0, 2), pack.name);
  expect(await readFile(packPath)).toEqual(bytes);
  expect((await stat(packPath)).mode & 0o777).toBe(0o400);
  expect((await stat(dirname(packPath))).mode & 0o777).toBe(0o700);
});

test("of configs that are sent at the same time, one is stored", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const results = await Promise.all(["one", "two", "six"].map((text) => storeConfig(objects, repository, text)));
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(["exists", "exists", "stored"]);
  const kept = await readFile(join(path, repository, "config"));
  expect(sha256Of(kept)).toBe(results.find(({ outcome }) => outcome === "stored")?.sha256);
});

test("a failed upload leaves no file behind", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const object = hashedObject("data", Buffer.from("right"));
  const upload = objects.put(repository, object, someBytes("wrong"), { sizeBytes: 5, sha256: object.name });
  await expect(upload).rejects.toMatchObject({ code: "wrong-hash" });
  expect(await readdir(join(path, repository, "data", object.name.slice(0, 2)))).toEqual([]);
});

test("a list leaves out unfinished uploads, other names and folders", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const { name } = hashedObject("index", Buffer.from("x"));
  const index = join(path, repository, "index");
  await writeFile(join(index, `${name}-tmp-123`), "x");
  await writeFile(join(index, "README"), "x");
  await mkdir(join(index, name));
  expect(await listAll(objects, repository, "index")).toEqual([]);
});

test("a repository whose folder is gone is an error for lists and uploads, never empty or made anew", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  await rm(join(path, repository), { recursive: true });

  await expect(listAll(objects, repository, "data")).rejects.toMatchObject({ code: "not-found" });
  await expect(listAll(objects, repository, "locks")).rejects.toMatchObject({ code: "not-found" });
  const bytes = Buffer.from("a pack");
  await expect(store(objects, repository, hashedObject("data", bytes), bytes)).rejects.toMatchObject({
    code: "not-found",
  });
  expect(await readdir(path)).toEqual([]);
});

test("a storage whose folder is gone is not healthy and makes no repository", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  await rm(path, { recursive: true });
  await expect(objects.health()).rejects.toMatchObject({ code: "not-found" });
  await expect(objects.createRepository(repository)).rejects.toMatchObject({ code: "not-found" });
});

test("a pack whose shard folder is missing is stored all the same", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const bytes = Buffer.from("a pack");
  const pack = hashedObject("data", bytes);
  await rm(join(path, repository, "data", pack.name.slice(0, 2)), { recursive: true });
  expect(await store(objects, repository, pack, bytes)).toMatchObject({ outcome: "stored" });
});

test("what a crash left of old uploads is removed, and nothing else", async () => {
  const path = await temporaryFolder();
  const { objects, repository } = await newRepository(() => folderStorage(path));
  const bytes = Buffer.from("a pack");
  const pack = hashedObject("data", bytes);
  await store(objects, repository, pack, bytes);
  const abandoned = join(path, repository, "data", pack.name.slice(0, 2), `${pack.name}-tmp-old`);
  const running = join(path, repository, "locks", `${pack.name}-tmp-new`);
  await writeFile(abandoned, "half a pa");
  await writeFile(running, "half a lo");
  await utimes(abandoned, new Date(0), new Date(0));

  expect(await objects.removeAbandonedUploads(repository, new Date(Date.now() - 3_600_000))).toBe(1);
  await expect(stat(abandoned)).rejects.toThrow("ENOENT");
  expect((await stat(running)).size).toBe(9);
  expect((await objects.stat(repository, pack)).sizeBytes).toBe(6);
});

async function* someBytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
