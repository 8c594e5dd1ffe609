import { expect, test } from "vitest";
import { blobIdOf } from "../blob/seal-blob.ts";
import { generateMasterKey } from "../crypto/master-key.ts";
import { objectIdFromBytes } from "../format/ids.ts";
import { type BuiltPack, PackBuilder } from "../pack/pack-builder.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { PackChecker } from "./sound-pack.ts";

const megabyte = 1024 * 1024;
const masterKey = generateMasterKey(nodePrimitives);
const checker = () => new PackChecker(nodePrimitives, masterKey, 2);

/** A pack with blobs of these lengths; the names of those in `misnamed` are wrong. */
function packOf(lengths: readonly number[], misnamed: readonly number[] = []): BuiltPack {
  const builder = new PackBuilder();
  const sealing = { primitives: nodePrimitives, masterKey, compression: "fastest" } as const;
  lengths.forEach((length, number) => {
    const plain = new Uint8Array(length).fill(number + 1);
    const id = Uint8Array.fromHex(blobIdOf(nodePrimitives, plain));
    if (misnamed.includes(number)) id[0] = (id[0] ?? 0) ^ 1;
    builder.seal("data", id, plain, sealing);
  });
  return builder.finish(nodePrimitives, masterKey);
}

/** More than the checker opens at a time, and one blob that is larger than all of it. */
const lengths = [5 * megabyte, 5 * megabyte + 1, 100, 0, 9 * megabyte, 200, 3 * megabyte];

test("a pack whose blobs have their names is sound, however many are looked at together, one pack after another", () => {
  const look = checker();
  for (const pack of [packOf(lengths), packOf([1]), packOf(lengths)]) expect(look.isSound(pack)).toBe(true);
});

test.each(lengths.map((length, number) => [number, length]))(
  "blob %i, of %i bytes, with another content than its name is found",
  (number) => {
    expect(checker().isSound(packOf(lengths, [number]))).toBe(false);
  },
);

test("a pack that has another name, a header other than expected or a byte more than its blobs is not sound", () => {
  const pack = packOf([100, 200]);
  const otherId = objectIdFromBytes(new Uint8Array(32));
  expect(checker().isSound({ ...pack, id: otherId })).toBe(false);
  expect(checker().isSound({ ...pack, header: packOf([100]).header })).toBe(false);
  const longer = new Uint8Array([0, ...pack.bytes]);
  expect(checker().isSound({ ...pack, bytes: longer, id: hashOf(longer) })).toBe(false);
});

function hashOf(bytes: Uint8Array) {
  return objectIdFromBytes(nodePrimitives.sha256(bytes));
}
