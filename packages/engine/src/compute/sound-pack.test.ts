import { expect, test } from "vitest";
import { blobIdOf } from "../blob/seal-blob.ts";
import { generateMasterKey } from "../crypto/master-key.ts";
import { objectIdFromBytes } from "../format/ids.ts";
import { PackBuilder } from "../pack/pack-builder.ts";
import { memoryDraft } from "../pack/pack-draft.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import type { FileReader } from "../source/file-reader.ts";
import { PackChecker, type PackToCheck } from "./sound-pack.ts";

const megabyte = 1024 * 1024;
const masterKey = generateMasterKey(nodePrimitives);
/** What lies in the only file there is. */
let onDisk = new Uint8Array(0);
const reader: FileReader = {
  open: () => ({
    read(into, offset) {
      const bytes = onDisk.subarray(offset, offset + into.length);
      into.set(bytes);
      return bytes.length;
    },
    state: () => expect.unreachable(),
    [Symbol.dispose]: () => undefined,
  }),
};

/** Whether a checker finds each of these packs sound, in a file and in memory. */
function areSound(...packs: (PackToCheck & { content: Uint8Array<ArrayBuffer> })[]): boolean[] {
  const checker = new PackChecker({ primitives: nodePrimitives, reader }, masterKey, 2);
  return packs.map((pack) => {
    onDisk = pack.content;
    const inFile = checker.isSound({ ...pack, content: "pack" });
    expect(checker.isSound(pack)).toBe(inFile);
    return inFile;
  });
}

/** A pack with blobs of these lengths; the names of those in `misnamed` are wrong. */
function packOf(lengths: readonly number[], misnamed: readonly number[] = []) {
  const builder = new PackBuilder(memoryDraft());
  const sealing = { primitives: nodePrimitives, masterKey, compression: "off" } as const;
  lengths.forEach((length, number) => {
    const plain = new Uint8Array(length).fill(number + 1);
    const id = Uint8Array.fromHex(blobIdOf(nodePrimitives, plain));
    if (misnamed.includes(number)) id[0] = (id[0] ?? 0) ^ 1;
    builder.seal("data", id, plain, sealing);
  });
  const { id, content, header } = builder.finish(nodePrimitives, masterKey);
  return { id, sizeBytes: content.length, content: content.slice(), header };
}

/** More than the checker opens at a time, and one blob that is larger than all of it. */
const lengths = [5 * megabyte, 5 * megabyte + 1, 100, 0, 9 * megabyte, 200, 3 * megabyte];

test("a pack whose blobs have their names is sound, however many are looked at together, one pack after another", () => {
  expect(areSound(packOf(lengths), packOf([1]), packOf(lengths))).toEqual([true, true, true]);
});

test.each(lengths.map((length, number) => [number, length]))(
  "blob %i, of %i bytes, with another content than its name is found",
  (number) => {
    expect(areSound(packOf(lengths, [number]))).toEqual([false]);
  },
);

test("a pack that has another name, a header other than expected or a byte more than its blobs is not sound", () => {
  const pack = packOf([100, 200]);
  const otherId = objectIdFromBytes(new Uint8Array(32));
  expect(areSound({ ...pack, id: otherId })).toEqual([false]);
  expect(areSound({ ...pack, header: packOf([100]).header })).toEqual([false]);
  expect(areSound({ ...pack, header: packOf([100, 200, 300]).header })).toEqual([false]);
  expect(areSound(withContent(pack, new Uint8Array([0, ...pack.content])))).toEqual([false]);
});

test("a pack that is shorter or longer than it has to be is not sound, nor one with any byte changed", () => {
  const pack = packOf([100, 600_000, 0]);
  const { content, sizeBytes } = pack;
  for (const length of [0, 3, 1000, 600_000, sizeBytes - 1]) {
    const shorter = content.slice(0, length);
    expect(areSound({ ...pack, content: shorter }, withContent(pack, shorter)), `${length}`).toEqual([false, false]);
  }
  const longer = new Uint8Array([...content, 0]);
  expect(areSound({ ...pack, content: longer }, withContent(pack, longer))).toEqual([false, false]);
  for (let at = 0; at < sizeBytes; at += 9973)
    expect(areSound({ ...pack, content: content.with(at, (content[at] ?? 0) ^ 1) }), `byte ${at}`).toEqual([false]);
});

/** The pack with that content, and the name and size that go with it. */
function withContent<Pack extends PackToCheck>(pack: Pack, content: Uint8Array<ArrayBuffer>) {
  return { ...pack, content, sizeBytes: content.length, id: objectIdFromBytes(nodePrimitives.sha256(content)) };
}
