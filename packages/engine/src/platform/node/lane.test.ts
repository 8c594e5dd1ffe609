import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { closeSync, readSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBlob } from "../../blob/seal-blob.ts";
import { type FileToRead, type Lane, slotBytes } from "../../compute/lane.ts";
import { generateMasterKey } from "../../crypto/master-key.ts";
import { blobRowWords, offsetAt, rowId } from "../../format/index-rows.ts";
import { blobIdFromBytes } from "../../format/ids.ts";
import { chunks } from "../../chunk/chunker.ts";
import type { StorablePack } from "../../pack/storable-pack.ts";
import { nodeLane } from "./node-lane.ts";
import { nodePrimitives } from "./primitives.ts";
import { workerLane } from "./worker-lane.ts";

const mib = 1024 * 1024;
const polynomial = 0x3da3358b4dc173n;
const masterKey = generateMasterKey(nodePrimitives);
const settings = {
  masterKey,
  polynomial,
  compression: "auto",
  packSizeBytes: 4 * mib,
  draftFolder: undefined,
} as const;

let folder: string;
let lane: Lane;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-lane-"));
});
afterEach(async () => {
  await lane.close();
  await rm(folder, { recursive: true });
});

/** As a scan would have found it. */
function found(path: string): FileToRead {
  const { size, mtimeNs, ino } = statSync(path, { bigint: true });
  return { path, size: Number(size), mtimeNs, inode: ino };
}

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const sha256 = (text: string) => nodePrimitives.sha256(new TextEncoder().encode(text)).toHex();
const idsOf = (ids: Uint8Array) =>
  Array.from({ length: ids.length / 32 }, (_, number) => ids.subarray(32 * number, 32 * (number + 1)).toHex());

function idsIn(pack: StorablePack | undefined): string[] {
  const { blobs = new Uint32Array(0) } = pack?.rows ?? {};
  return Array.from({ length: blobs.length / blobRowWords }, (_, row) => rowId(blobs, row * blobRowWords));
}

/** What the pack holds, wherever it lies. A file is closed. */
function bytesOf(pack: StorablePack | undefined): Uint8Array {
  if (pack === undefined) return new Uint8Array(0);
  const { content } = pack;
  if (content instanceof Uint8Array) return content;
  const bytes = new Uint8Array(content.sizeBytes + 1);
  const length = readSync(content.descriptor, bytes, { position: 0 });
  closeSync(content.descriptor);
  return bytes.subarray(0, length);
}

async function lengthsOf(bytes: Uint8Array): Promise<number[]> {
  const lengths: number[] = [];
  const whole = (async function* () {
    yield bytes;
  })();
  for await (const chunk of chunks(whole, polynomial)) lengths.push(chunk.length);
  return lengths;
}

describe.each([
  ["a worker thread", workerLane, "files"],
  ["a worker thread", workerLane, "memory"],
  ["this thread", nodeLane, "files"],
  ["this thread", nodeLane, "memory"],
])("a lane in %s, with packs in %s", (_where, open, packsIn) => {
  beforeEach(async () => {
    lane = open();
    await lane.openBackup({ ...settings, draftFolder: packsIn === "files" ? folder : undefined });
  });

  test("reads whole files and names their chunks, one file after another", async () => {
    const paths = [await file("a", "first"), await file("empty", ""), await file("b", "second")];
    const hashed = await lane.hashFiles(0, paths.map(found));
    expect(hashed.chunkCounts).toEqual([1, 0, 1]);
    expect(hashed.remarks.size).toBe(0);
    expect(idsOf(hashed.ids)).toEqual([sha256("first"), sha256("second")]);
    expect(hashed.lengths).toEqual([5, 6]);
  });

  test("seals what is wanted of a slot, and packs open to the bytes of the files", async () => {
    const path = await file("a", "first");
    const other = await file("b", "second");
    await lane.hashFiles(1, [found(path), found(other)]);
    const { storedBytes, packs } = await lane.pack(1, [1]);
    expect(storedBytes).toHaveLength(1);
    expect(packs).toEqual([]);
    const pack = await lane.finishPack();
    expect(idsIn(pack)).toEqual([sha256("second")]);
    const [offset = 0, length = 0, uncompressedLength = 0] = pack?.rows.blobs.subarray(offsetAt) ?? [];
    const sealed = bytesOf(pack).subarray(offset, offset + length);
    const id = blobIdFromBytes(Uint8Array.fromHex(sha256("second")));
    expect(openBlob(nodePrimitives, masterKey, { sealed, uncompressedLength }, id)).toEqual(
      new TextEncoder().encode("second"),
    );
    expect(await lane.finishPack()).toBeUndefined();
  });

  test("keeps two slots apart", async () => {
    const [one, two] = [await file("a", "one"), await file("b", "two")];
    await lane.hashFiles(0, [found(one)]);
    await lane.hashFiles(1, [found(two)]);
    await lane.pack(0, [0]);
    await lane.pack(1, [0]);
    const pack = await lane.finishPack();
    expect(idsIn(pack)).toEqual([sha256("one"), sha256("two")]);
  });

  test("says which files can't be read, and goes on with the others", async () => {
    const gone = { ...found(await file("a", "x")), path: join(folder, "gone") };
    await mkdir(join(folder, "d"));
    const hashed = await lane.hashFiles(0, [gone, found(join(folder, "d")), found(await file("b", "there"))]);
    expect(hashed.chunkCounts).toEqual([0, 0, 1]);
    expect([...hashed.remarks]).toEqual([
      [0, expect.objectContaining({ kind: "failed", code: "not-found", systemCode: "ENOENT" })],
      [1, expect.objectContaining({ kind: "failed", code: "source-unreadable" })],
    ]);
    expect(idsOf(hashed.ids)).toEqual([sha256("there")]);
  });

  test("says how a file changed since it was found, and takes all of what it has become", async () => {
    const path = await file("a", "longer now");
    const [grown, shrunk, touched] = [
      { ...found(path), size: 3 },
      { ...found(path), size: 30 },
      { ...found(path), mtimeNs: 1n },
    ];
    const { remarks, lengths } = await lane.hashFiles(0, [grown, shrunk, touched]);
    expect([...remarks.values()].map((remark) => remark.kind === "changed" && remark.how)).toEqual([
      expect.stringContaining("grew"),
      expect.stringContaining("shrank"),
      expect.stringContaining("may mix"),
    ]);
    expect(lengths).toEqual([10, 10, 10]);
  });

  test("reads files that say they are empty and are not, as those of /proc", async () => {
    if (process.platform !== "linux") return;
    const { lengths, chunkCounts } = await lane.hashFiles(0, [found("/proc/self/status")]);
    expect(chunkCounts).toEqual([1]);
    expect(lengths[0]).toBeGreaterThan(100);
  });

  test("hands back a file that has grown beyond a slot", async () => {
    const path = await file("a", new Uint8Array(slotBytes + 1));
    const { remarks } = await lane.hashFiles(0, [{ ...found(path), size: 10 }]);
    expect(remarks.get(0)).toEqual({ kind: "too-large" });
  });

  test("finds the cuts of a large file where the chunker puts them, and saves its chunks from any slot", async () => {
    const bytes = nodePrimitives.randomBytes(36 * mib);
    const path = await file("large", bytes);
    const expected = await lengthsOf(bytes);
    const lengths: number[] = [];
    for (let isEnd = false, offset = 0; !isEnd;) {
      const found = await lane.findCuts(path, offset);
      lengths.push(...found.lengths);
      offset = lengths.reduce((sum, length) => sum + length, 0);
      isEnd = found.isEnd;
    }
    expect(lengths).toEqual(expected);

    const [first = 0, second = 0] = lengths;
    const hashed = await lane.hashChunks(1, path, first, [second]);
    expect(idsOf(hashed.ids)).toEqual([nodePrimitives.sha256(bytes.subarray(first, first + second)).toHex()]);
    // Two chunks behind the file's end, one of them half there.
    const last = await lane.hashChunks(0, path, bytes.length - 5, [10, 10]);
    expect(last.lengths).toEqual([5]);
  });

  test("closes packs that are full, and fills given back memory anew", async () => {
    const path = await file("large", nodePrimitives.randomBytes(5 * mib));
    const names: string[] = [];
    for (let round = 0; round < 3; round++) {
      await lane.hashFiles(0, [found(path)]);
      const { lengths } = await lane.hashFiles(0, [found(path)]);
      const { packs } = await lane.pack(0, [...lengths.keys()]);
      for (const pack of packs) {
        expect(pack.content instanceof Uint8Array).toBe(packsIn === "memory");
        expect(nodePrimitives.sha256(bytesOf(pack)).toHex()).toBe(pack.id);
        names.push(pack.id);
        if (pack.content instanceof Uint8Array) await lane.giveBack(pack.content);
      }
    }
    // Each sealing draws new IVs: no two packs are alike.
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(3);
  });

  test("goes on after a call that failed", async () => {
    await expect(lane.findCuts(join(folder, "gone"), 0)).rejects.toThrow(
      expect.objectContaining({ code: "not-found" }),
    );
    const hashed = await lane.hashFiles(0, [found(await file("a", "x"))]);
    expect(idsOf(hashed.ids)).toEqual([sha256("x")]);
  });
});

test("a thread that is closed does first what it was asked, and begins anew when it is asked again", async () => {
  lane = workerLane();
  await lane.openBackup(settings);
  const path = await file("large", nodePrimitives.randomBytes(9 * mib));
  const cuts = lane.findCuts(path, 0);
  await lane.close();
  expect((await cuts).lengths.length).toBeGreaterThan(1);
  await lane.openBackup(settings);
  expect(await lane.findCuts(path, 0)).toEqual(await cuts);
});

test("a key that is handed to a thread is still here", async () => {
  lane = workerLane();
  await lane.openBackup(settings);
  expect(masterKey.encrypt.length).toBe(32);
});
