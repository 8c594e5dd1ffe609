import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { listKeys, listSnapshots, type ObjectStore, memoryStore, type Repository } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { backUp, Forger, forgeConfig, forgeKeyFile, memorySource, testPassword } from "@saveos/engine/testing";
import { clearError } from "../support/clear-outcome.ts";
import {
  errorsFound,
  findings,
  newQuickRepository,
  objectsOf,
  openQuickly,
  restored,
  restoredWhole,
  storeOf,
} from "../support/quick-engine.ts";
import { tempFolder } from "../support/temp-folder.ts";
import type { Measured } from "./measure-reading.ts";

let store: ObjectStore;
let repository: Repository;
let forger: Forger;
/** Of a snapshot that nobody tampered with. */
let sound: string;
beforeEach(async () => {
  store = memoryStore();
  repository = await newQuickRepository(store);
  forger = new Forger(repository);
  sound =
    (await backUp(repository, memorySource({ home: { "notes.txt": "sound" } }))).snapshotId ?? expect.unreachable();
});

const text = (content: string) => new TextEncoder().encode(content);
const ffff = 2 ** 32 - 1;

describe("an index that lies is found out, and costs the files of that blob only", () => {
  test.each([
    ["an offset behind the pack's end", { offset: 1_000_000 }],
    ["an offset at the end of all numbers", { offset: ffff }],
    ["a blob of 4 GiB", { length: ffff }],
    ["a blob of 4 GiB at the end of all numbers", { offset: ffff, length: ffff }],
    ["a blob without content", { length: 32 }],
    ["a blob that is 4 GiB when decompressed", { uncompressedLength: ffff }],
    ["a blob that is one byte longer when decompressed", { uncompressedLength: 5 }],
  ])("%s", async (_, index) => {
    const evil = forger.addBlob("data", text("evil"), { index });
    const good = forger.addBlob("data", text("good"));
    const node = { type: "file", mode: 0o644, size: 4, mtime: "2024-01-01T00:00:00Z" };
    const tree = forger.addTree([
      { ...node, name: "evil", content: [evil] },
      { ...node, name: "good", content: [good] },
    ]);
    const pack = await forger.store();
    const snapshot = await forger.snapshot(tree);
    const { files, problems } = await restored(repository, snapshot);
    expect(new Set(problems.map(({ path }) => path))).toEqual(new Set(["/evil"]));
    expect(files["/good"]).toContain("file 644");
    const found = await findings(repository);
    expect(found.filter(({ object }) => object === `data/${pack}`)).not.toEqual([]);
    expect(await restoredWhole(repository, sound)).toHaveProperty("/home/notes.txt");
  });

  test("a blob whose content is not what its id names, though sealed with the right key", async () => {
    const swapped = forger.addBlob("data", text("evil"), {}, text("good"));
    const tree = forger.addTree([{ type: "file", name: "swapped", mode: 0o644, size: 4, content: [swapped] }]);
    const pack = await forger.store();
    const { files, problems } = await restored(repository, await forger.snapshot(tree));
    expect(problems.map(({ path }) => path)).toEqual(["/swapped"]);
    expect(files).not.toHaveProperty("/swapped");
    expect((await errorsFound(repository)).map(({ object }) => object)).toEqual([`data/${pack}`]);
  });

  test.each([
    [
      "a pack that is not there",
      { packs: [{ id: "ab".repeat(32), blobs: [{ id: "cd".repeat(32), type: "data", offset: 0, length: 100 }] }] },
    ],
    ["two contents for one pack", undefined],
  ])("%s", async (_, json) => {
    const [pack] = [...(await objectsOf(store)).keys()].filter((name) => name.startsWith("data/"));
    const lie = {
      packs: [
        { id: pack?.slice("data/".length), blobs: [{ id: "cd".repeat(32), type: "tree", offset: 0, length: 100 }] },
      ],
    };
    await forger.json("index", json ?? lie);
    expect((await findings(repository)).length).toBeGreaterThan(0);
    expect(await restoredWhole(await openQuickly(store), sound)).toHaveProperty("/home/notes.txt");
  });

  test.each([
    ["no JSON", "packs"],
    ["no packs", "{}"],
    ["packs that are numbers", '{"packs":[1,2]}'],
    [
      "numbers beyond 32 bits",
      `{"packs":[{"id":"${"ab".repeat(32)}","blobs":[{"id":"${"cd".repeat(32)}","type":"data","offset":4294967296,"length":100}]}]}`,
    ],
    [
      "a fraction of a byte",
      `{"packs":[{"id":"${"ab".repeat(32)}","blobs":[{"id":"${"cd".repeat(32)}","type":"data","offset":0.5,"length":100}]}]}`,
    ],
    ["an encoding of the future", "\u0003future"],
    ["a million brackets", "[".repeat(1_000_000)],
    ["a million brackets inside", `{"future":${"[".repeat(1_000_000)}`],
    ["broken zstd", "\u0002not zstd"],
    ["nothing", ""],
  ])("%s in place of an index", async (_, content) => {
    const id = await forger.sealed("index", text(content));
    expect((await findings(repository)).map(({ object }) => object)).toContain(`index/${id}`);
  });
});

describe("a snapshot that lies is said, and the others are listed", () => {
  test.each([
    ["no JSON", "snapshot"],
    ["no time", "{}"],
    ["a time that is no time", '{"time":"tomorrow"}'],
    ["a tree that is no id", '{"time":"2024-01-01T00:00:00Z","tree":"../../etc"}'],
    ["paths that are no list", '{"time":"2024-01-01T00:00:00Z","paths":{"length":1e9}}'],
    ["broken zstd", "\u0002not zstd"],
    ["nothing", ""],
  ])("%s", async (_, content) => {
    const id = await forger.sealed("snapshots", text(content));
    const unreadable: string[] = [];
    const listed = await listSnapshots(repository, {}, { onUnreadable: (which) => unreadable.push(which) });
    expect([unreadable, listed.map((snapshot) => snapshot.id)]).toEqual([[id], [sound]]);
    expect((await findings(repository)).map(({ object }) => object)).toContain(`snapshots/${id}`);
  });

  test("one without a tree, or with a tree that is nowhere", async () => {
    for (const tree of [null, "ab".repeat(32)]) {
      const id = await forger.json("snapshots", { time: "2024-01-01T00:00:00Z", tree, paths: ["/x"] });
      await clearError(() => restored(repository, id));
    }
    expect((await findings(repository)).length).toBeGreaterThanOrEqual(2);
  });
});

describe("a config that lies opens nothing", () => {
  const id = "ab".repeat(32);
  test.each([
    ["a version of the future", { version: 3, id, chunker_polynomial: "3da3358b4dc173" }, "unsupported", "version 3"],
    ["no version", { id, chunker_polynomial: "3da3358b4dc173" }, "unsupported", "version 0"],
    [
      "a polynomial that is a product",
      { version: 2, id, chunker_polynomial: "38f1e565e288df" },
      "corrupt-data",
      "irreducible",
    ],
    ["a polynomial of degree 1", { version: 2, id, chunker_polynomial: "3" }, "corrupt-data", "polynomial"],
    [
      "a polynomial of degree 63",
      { version: 2, id, chunker_polynomial: "ffffffffffffffff" },
      "corrupt-data",
      "polynomial",
    ],
    ["no polynomial", { version: 2, id }, "corrupt-data", "polynomial"],
    ["an id that is none", { version: 2, id: "../..", chunker_polynomial: "3da3358b4dc173" }, "corrupt-data", "id"],
  ])("%s", async (_, json, code, message) => {
    await forgeConfig(repository, json);
    const error = await clearError(() => openQuickly(store));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });
});

describe("a key file that lies is passed over", () => {
  const cheap = { N: 16, r: 8, p: 1 };
  test.each([
    ["memory for a supercomputer", { N: 2 ** 30, r: 8, p: 1 }],
    ["work for a year", { N: 2 ** 15, r: 8, p: 2 ** 20 }],
    ["numbers that scrypt does not know", { N: 1000, r: 0, p: ffff }],
  ])("one that asks for %s, before or after the right one", async (_, claim) => {
    // Names are hashes: among a few there are some on either side.
    for (let i = 0; i < 4; i++) await forgeKeyFile(repository, { password: testPassword, cost: cheap, claim });
    expect((await openQuickly(store)).config.id).toBe(repository.config.id);
    const error = await clearError(() => openQuickly(store, "wrong"));
    expect(error.code).toBe("wrong-password");
    expect(error.hint).toContain("cost");
    expect((await listKeys(repository)).length).toBe(5);
  });

  test("one that is not JSON, or of another method", async () => {
    for (const content of ["key", "{}", '{"kdf":"argon2","salt":"AA==","data":"AA=="}']) {
      const bytes = text(content);
      await store.put(`keys/${(await nameOf(bytes)) as typeof repository.keyId}`, bytes);
    }
    expect((await openQuickly(store)).config.id).toBe(repository.config.id);
    expect((await clearError(() => openQuickly(store, "wrong"))).code).toBe("wrong-password");
  });
});

describe("memory stays bounded", () => {
  test("when blobs, trees, snapshots and indexes claim or give 4 GiB", async () => {
    await using temp = await tempFolder();
    // 1 GiB of zeros in 33 KB, and those zeros once more as what is claimed of nothing.
    const bomb = zstdCompressSync(new Uint8Array(2 ** 30));
    const node = { type: "file", mode: 0o644, size: ffff, mtime: "2024-01-01T00:00:00Z" };
    const claims = forger.addBlob("data", bomb, { uncompressedLength: ffff });
    const lies = forger.addBlob("data", text("evil"), { index: { length: ffff } });
    const treeBomb = forger.addBlob("tree", bomb, { uncompressedLength: ffff });
    const tree = forger.addTree([
      { ...node, name: "claims", content: [claims] },
      { ...node, name: "lies", content: [lies] },
      { name: "tree", type: "dir", mode: 0x8000_01ed, mtime: node.mtime, subtree: treeBomb },
    ]);
    await forger.store();
    await forger.snapshot(tree);
    await forger.sealed("snapshots", Uint8Array.from([2, ...bomb]));
    const path = join(temp.path, "repository");
    await storeOf(await objectsOf(store), folderStore(path));

    const measured = await measureReading(path, join(temp.path, "target"));
    expect(measured.unclear).toEqual([]);
    expect(measured.failures).toBeGreaterThan(0);
    expect(measured.problems).toBeGreaterThanOrEqual(3);
    expect(measured.peakMib).toBeLessThan(peakMibMax);
  });

  /** One such blob at a time: what it really gives (Node's zstd stops at the first byte too many), and some room for the program itself. */
  const peakMibMax = 1200;
});

async function measureReading(repositoryPath: string, target: string): Promise<Measured> {
  const script = fileURLToPath(new URL("measure-reading.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, repositoryPath, target], {
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  return JSON.parse(stdout) as Measured;
}

async function nameOf(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex();
}
