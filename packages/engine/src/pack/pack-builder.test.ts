import * as fc from "fast-check";
import { expect, test } from "vitest";
import { blobIdOf, openBlob, sealBlob } from "../blob/seal-blob.ts";
import { generateMasterKey } from "../crypto/master-key.ts";
import { BlobIndex } from "../blob-index/blob-index.ts";
import { open } from "../crypto/seal.ts";
import type { BlobType } from "../format/blob.ts";
import { parseBlobId, parseObjectId } from "../format/ids.ts";
import { decodePackHeader } from "../format/pack-header.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { PackBuilder } from "./pack-builder.ts";
import { memoryDraft } from "./pack-draft.ts";
import { readPackHeader } from "./read-pack.ts";

const someId = parseObjectId("a".repeat(64));

const key = generateMasterKey(nodePrimitives);
const idA = parseBlobId("aa".repeat(32));
const idB = parseBlobId("bb".repeat(32));

test("a pack reads back as the blobs that went in, and each blob as its bytes", () => {
  const someBlobs = fc.array(fc.record({ plain: fc.uint8Array({ maxLength: 200, max: 9 }), raw: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(someBlobs, fc.constantFrom<BlobType>("data", "tree"), (wanted, type) => {
      const builder = new PackBuilder(memoryDraft());
      for (const { plain, raw } of wanted)
        builder.add(
          { type, id: blobIdOf(nodePrimitives, plain) },
          sealBlob(nodePrimitives, key, plain, raw ? "off" : "auto"),
        );
      const sizeOfBlobs = builder.sizeBytes;
      const pack = builder.finish(nodePrimitives, key);

      const read = readPackHeader(nodePrimitives, key, pack.content, pack.content.length);
      expect(read).toEqual(decodePackHeader(pack.header, 2));
      expect(read.length).toBe(builder.blobCount);
      const index = new BlobIndex();
      index.add(someId, read);
      expect([...index.packs()][0]?.sizeBytes).toBe(pack.content.length);
      expect(read.reduce((sum, { length }) => sum + length, 0)).toBe(sizeOfBlobs);
      read.forEach(({ id, offset, length, uncompressedLength }, i) => {
        const sealed = pack.content.subarray(offset, offset + length);
        expect(openBlob(nodePrimitives, key, { sealed, uncompressedLength }, id)).toEqual(wanted[i]?.plain);
      });
    }),
  );
});

test("a pack's name is the SHA-256 of all of it", () => {
  const builder = new PackBuilder(memoryDraft());
  builder.add({ type: "data", id: idA }, { sealed: new Uint8Array(40), uncompressedLength: 0 });
  const { id, content } = builder.finish(nodePrimitives, key);
  expect(id).toBe(nodePrimitives.sha256(content).toHex());
});

test("the bytes are the blobs, the sealed entries, and the length of those", () => {
  const builder = new PackBuilder(memoryDraft());
  builder.add({ type: "data", id: idA }, { sealed: new Uint8Array(33).fill(1), uncompressedLength: 0 });
  builder.add({ type: "data", id: idB }, { sealed: new Uint8Array(48).fill(2), uncompressedLength: 70_000 });
  const { content: bytes } = builder.finish(nodePrimitives, key);

  expect(bytes.subarray(0, 33)).toEqual(new Uint8Array(33).fill(1));
  expect(bytes.subarray(33, 81)).toEqual(new Uint8Array(48).fill(2));
  const header = open(nodePrimitives, key, bytes.subarray(81, -4));
  expect(header.toHex()).toBe(`0021000000${"aa".repeat(32)}023000000070110100${"bb".repeat(32)}`);
  expect(bytes.subarray(-4).toHex()).toBe("6e000000");
});

test("a pack is full when its blobs have the target size", () => {
  const builder = new PackBuilder(memoryDraft());
  builder.add({ type: "data", id: idA }, { sealed: new Uint8Array(99), uncompressedLength: 0 });
  expect(builder.isFull(100)).toBe(false);
  builder.add({ type: "data", id: idB }, { sealed: new Uint8Array(50), uncompressedLength: 0 });
  expect(builder.isFull(100)).toBe(true);
});

test("a pack of very many tiny blobs is full when its header is", () => {
  const builder = new PackBuilder(memoryDraft());
  const blob = { sealed: new Uint8Array(32), uncompressedLength: 0 };
  while (!builder.isFull(2 ** 31)) builder.add({ type: "data", id: idA }, blob);
  expect(builder.blobCount).toBe(409_199);
  expect(() => builder.add({ type: "data", id: idA }, blob)).toThrow("full");
});

test("a pack without blobs is never made", () => {
  expect(() => new PackBuilder(memoryDraft()).finish(nodePrimitives, key)).toThrow("at least one blob");
});

test("a header that does not read back as it was meant is never given out", () => {
  const builder = new PackBuilder(memoryDraft());
  builder.add({ type: "data", id: idA }, { sealed: new Uint8Array(40), uncompressedLength: 0 });
  // Memory that loses a bit between encrypting and writing.
  const faulty = {
    ...nodePrimitives,
    aes256Ctr: (...given: Parameters<typeof nodePrimitives.aes256Ctr>) => {
      const bytes = nodePrimitives.aes256Ctr(...given);
      return bytes.with(10, (bytes[10] ?? 0) ^ 1);
    },
  };
  const onceFaulty = { ...faulty, aes256Ctr: onFirstCall(faulty.aes256Ctr, nodePrimitives.aes256Ctr) };
  expect(() => builder.finish(onceFaulty, key)).toThrow("reads back");
});

function onFirstCall<Given extends unknown[], Result>(
  first: (...given: Given) => Result,
  later: (...given: Given) => Result,
): (...given: Given) => Result {
  let calls = 0;
  return (...given) => (calls++ === 0 ? first(...given) : later(...given));
}
