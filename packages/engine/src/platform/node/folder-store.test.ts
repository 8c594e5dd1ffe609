import { createHash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { writeSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { UnnamedFile } from "../../flow/unnamed-file.ts";
import { objectIdFromBytes } from "../../format/ids.ts";
import type { ObjectKind } from "../../format/object-name.ts";
import { hashedName } from "../../store/layout.ts";
import type { ObjectStore, StoredObject } from "../../store/object-store.ts";
import { objectStoreSuite } from "../testing/object-store-suite.ts";
import { folderError } from "./file-errors.ts";
import { folderStore } from "./folder-store.ts";
import { openUnnamedFile } from "./unnamed-file.ts";

objectStoreSuite("folder store", async () => {
  const folder = await temporaryFolder();
  return { store: folderStore(join(folder.path, "repository")), [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
});

test("at a pace, files are written and read in the pieces that are allowed", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const { name } = await putNew(store, "data", "a pack");
  const asked: number[] = [];
  const pace = async (wantedBytes: number) => {
    asked.push(wantedBytes);
    return Math.min(wantedBytes, 4);
  };
  await store.put(name, bytesOf("a pack"), { pace });
  expect(await store.get(name, { pace })).toEqual(bytesOf("a pack"));
  expect(asked).toEqual([6, 2, 6, 2]);
});

test("create makes the five folders and all 256 folders of packs, for the owner alone", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "a", "repository");
  await folderStore(root).create();
  expect((await readdir(root)).toSorted()).toEqual(["data", "index", "keys", "locks", "snapshots"]);
  expect(await readdir(join(root, "data"))).toHaveLength(256);
  for (const made of ["", "keys", "data", "data/ff"]) expect(await modeOf(join(root, made)), made).toBe(0o700);
});

test("stored files are read-only for the owner, packs in the folder of their first byte", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const pack = await putNew(store, "data", "a pack");
  const lock = await putNew(store, "locks", "a lock");
  await store.put("config", bytesOf("config"));
  expect(await modeOf(join(folder.path, "data", pack.id.slice(0, 2), pack.id))).toBe(0o400);
  expect(await modeOf(join(folder.path, "locks", lock.id))).toBe(0o400);
  expect(await modeOf(join(folder.path, "config"))).toBe(0o400);
});

test("where the group may read the config, it may read what is added", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  await store.put("config", bytesOf("config"));
  await chmod(join(folder.path, "config"), 0o440);
  await rm(join(folder.path, "index"), { recursive: true });
  const index = await putNew(store, "index", "an index");
  expect(await modeOf(join(folder.path, "index", index.id))).toBe(0o440);
  expect((await modeOf(join(folder.path, "index"))) & 0o050).toBe(0o050);
});

test("a put makes the missing folder of a kind again, but never the repository's own", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  const pack = await putNew(store, "data", "a pack");
  expect(await store.get(pack.name)).toEqual(bytesOf("a pack"));
  const unmounted = folderStore(join(folder.path, "unmounted", "repository"));
  await expect(putNew(unmounted, "data", "a pack")).rejects.toMatchObject({ code: "not-found" });
  await expect(unmounted.put("config", bytesOf("config"))).rejects.toMatchObject({ code: "not-found" });
  expect(await readdir(folder.path)).toEqual(["data"]);
});

test("a listing leaves out temporary files, strangers, folders, and packs in another's folder", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const pack = await putNew(store, "data", "a pack");
  const misplaced = "ab".repeat(32);
  await writeFile(join(folder.path, "data", pack.id.startsWith("00") ? "01" : "00", pack.id), "a pack");
  await writeFile(join(folder.path, "data", misplaced), "");
  await writeFile(join(folder.path, "data", "ab", `${misplaced}-tmp-1234`), "");
  await writeFile(join(folder.path, "data", "ab", "notes.txt"), "");
  await mkdir(join(folder.path, "data", "ab", misplaced));
  await symlink("/nowhere", join(folder.path, "data", "cd", "cd".repeat(32)));
  expect(await listed(store, "data")).toEqual([{ id: pack.id, sizeBytes: 6 }]);
});

test("a failed put leaves no temporary file behind", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const bytes = bytesOf("an index");
  const id = idOf(bytes);
  await mkdir(join(folder.path, "index", id, "in the way"), { recursive: true });
  await expect(store.put(hashedName("index", id), bytes)).rejects.toMatchObject({ name: "EngineError" });
  expect(await readdir(join(folder.path, "index"))).toEqual([id]);
});

test.runIf(process.platform === "linux")(
  "a file without a name becomes an object like any other, in a folder that is made again, and replaces a damaged one",
  async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await store.create();
    const { localFiles = expect.unreachable() } = store;
    const bytes = bytesOf("a pack");
    const [id, name] = [idOf(bytes), hashedName("data", idOf(bytes))];
    const shard = join(folder.path, "data", id.slice(0, 2));
    for (const before of ["no folder", "a damaged object"]) {
      if (before === "no folder") await rm(shard, { recursive: true });
      else await store.put(name, bytesOf("a pa?k"));
      const file = unnamedFile(localFiles.draftFolder, bytes);
      await localFiles.put(name, file);
      localFiles.close(file);
      expect(await store.get(name), before).toEqual(bytes);
      expect(await modeOf(join(shard, id))).toBe(0o400);
      expect(await readdir(shard)).toEqual([id]);
      await store.delete(name);
    }
  },
);

test.runIf(process.platform === "linux")("a file that is not whole does not become an object", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const { localFiles = expect.unreachable() } = store;
  const file = unnamedFile(localFiles.draftFolder, bytesOf("a pack"));
  const name = hashedName("data", idOf(bytesOf("a pack")));
  await expect(localFiles.put(name, { ...file, sizeBytes: 7 })).rejects.toThrow("written whole");
  localFiles.close(file);
  await expect(store.get(name)).rejects.toMatchObject({ code: "not-found" });
});

test("of many configs put at the same moment exactly one wins, and it is whole", async () => {
  await using folder = await temporaryFolder();
  const store = folderStore(folder.path);
  await store.create();
  const configs = Array.from({ length: 16 }, () => randomBytes(500));
  const outcomes = await Promise.allSettled(configs.map((config) => store.put("config", config)));
  const winners = configs.filter((_, at) => outcomes[at]?.status === "fulfilled");
  expect(winners).toHaveLength(1);
  expect(await store.get("config")).toEqual(new Uint8Array(winners[0] ?? []));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "already-exists" });
  }
  expect((await readdir(folder.path)).filter((name) => name.startsWith("config"))).toEqual(["config"]);
});

test.skipIf(process.platform === "win32")(
  "a pipe in the place of an object is corrupt-data, and blocks nobody",
  async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await store.create();
    execFileSync("mkfifo", [join(folder.path, "config")]);
    await expect(store.get("config")).rejects.toMatchObject({ code: "corrupt-data" });
    await expect(store.size("config")).rejects.toMatchObject({ code: "corrupt-data" });
  },
);

test("a file in the place of the repository is not-found to read", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  const store = folderStore(join(folder.path, "file"));
  await expect(store.get("config")).rejects.toMatchObject({ code: "not-found" });
  expect(await listed(store, "keys")).toEqual([]);
});

test("errors say what was done, to what and where", async () => {
  const store = folderStore("/nowhere");
  await expect(store.get("config")).rejects.toThrow("Reading config in /nowhere: no such file or folder");
});

test.each([
  ["ENOSPC", "store-full"],
  ["EDQUOT", "store-full"],
  ["EROFS", "store-denied"],
  ["EACCES", "store-denied"],
  ["EPERM", "store-denied"],
  ["ENOENT", "not-found"],
  ["EIO", "store-unavailable"],
  ["EMFILE", "store-unavailable"],
])("%s from the file system is %s", (errno, code) => {
  expect(folderError(Object.assign(new Error(errno), { code: errno }), "Storing config in /srv")).toMatchObject({
    code,
  });
});

function unnamedFile(folder: string, bytes: Uint8Array): UnnamedFile {
  const descriptor = openUnnamedFile(folder) ?? expect.unreachable();
  writeSync(descriptor, bytes);
  return { descriptor, sizeBytes: bytes.length };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "saveos-folder-store-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function putNew(store: ObjectStore, kind: ObjectKind, text: string) {
  const id = idOf(bytesOf(text));
  const name = hashedName(kind, id);
  await store.put(name, bytesOf(text));
  return { id, name };
}

async function listed(store: ObjectStore, kind: ObjectKind): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(kind)) objects.push(object);
  return objects;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

function idOf(bytes: Uint8Array) {
  return objectIdFromBytes(createHash("sha256").update(bytes).digest());
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
