import * as fc from "fast-check";
import { expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { portablePrimitives } from "../crypto/portable-primitives.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { seal } from "../crypto/seal.ts";
import { parseBlobId } from "../format/ids.ts";
import { nodeCryptoPrimitives } from "../platform/node/node-crypto-primitives.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { blobIdOf, openBlob, sealBlob, sealBlobInto } from "./seal-blob.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });
const key = generateMasterKey(nodePrimitives);
const text = new TextEncoder().encode("some text that repeats itself, some text that repeats itself");

test("a blob's name is the SHA-256 of its plain bytes", () => {
  expect(blobIdOf(nodePrimitives, new Uint8Array(524_288))).toBe(
    "07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541",
  );
});

const implementations: [string, Primitives][] = [
  ["Node's fastest", nodePrimitives],
  ["node:crypto's", nodeCryptoPrimitives],
  ["the portable", portablePrimitives],
];
const compressions: Compression[] = ["off", "fastest", "auto", "better", "max"];

test.each(implementations)("a blob sealed by %s primitives opens by all, at every compression", (_, primitives) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500, max: 30 }), fc.constantFrom(...compressions), (plain, compression) => {
      const id = blobIdOf(nodePrimitives, plain);
      const blob = sealBlob(primitives, key, plain, compression);
      for (const [, reader] of implementations) expect(openBlob(reader, key, blob, id)).toEqual(plain);
    }),
  );
});

test.each(implementations)(
  "a blob sealed into a room by %s primitives is the same blob, and takes no more than its length says",
  (_, primitives) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500, max: 30 }),
        fc.constantFrom(...compressions),
        fc.nat(50),
        (plain, compression, more) => {
          const buffer = new Uint8Array(50 + plain.length + 32 + more).fill(0xee);
          const room = buffer.subarray(50);
          const { sealedBytes, uncompressedLength } = sealBlobInto(primitives, key, plain, compression, room);
          const blob = { sealed: room.subarray(0, sealedBytes), uncompressedLength };
          expect(openBlob(portablePrimitives, key, blob, blobIdOf(nodePrimitives, plain))).toEqual(plain);
          expect(blob.sealed.length).toBeLessThanOrEqual(plain.length + 32);
          expect(buffer.subarray(0, 50)).toEqual(new Uint8Array(50).fill(0xee));
          expect(room.subarray(plain.length + 32)).toEqual(new Uint8Array(more).fill(0xee));
        },
      ),
    );
  },
);

test("a room without space for the blob as it is, is refused", () => {
  expect(() => sealBlobInto(nodePrimitives, key, text, "auto", new Uint8Array(text.length + 31))).toThrow("room");
});

test.each(implementations)("a blob opened into a room by %s primitives does not spill over", (_, primitives) => {
  for (const plain of [text, nodePrimitives.randomBytes(100), new Uint8Array(0)]) {
    const buffer = new Uint8Array(300).fill(0xee);
    const blob = sealBlob(primitives, key, plain, "auto");
    const room = buffer.subarray(10, 10 + plain.length);
    expect(openBlob(primitives, key, blob, blobIdOf(nodePrimitives, plain), room)).toEqual(plain);
    expect(new Set([...buffer.subarray(0, 10), ...buffer.subarray(10 + plain.length)])).toEqual(new Set([0xee]));
  }
});

test("blobs do not disturb one another, though the memory between is the same", () => {
  const plains = [text, text.with(3, 1), nodePrimitives.randomBytes(5000), new Uint8Array(9_000_000).fill(4), text];
  const blobs = plains.map((plain) => sealBlob(nodePrimitives, key, plain, "auto"));
  const opened = blobs.map((blob, i) =>
    openBlob(nodePrimitives, key, blob, blobIdOf(nodePrimitives, plains[i] ?? text)),
  );
  expect(opened).toEqual(plains);
});

test("what shrinks is stored compressed, with its length before", () => {
  const blob = sealBlob(nodePrimitives, key, text, "auto");
  expect(blob.uncompressedLength).toBe(text.length);
  expect(blob.sealed.length).toBeLessThan(text.length + 32);
});

test("what does not shrink is stored as it is: random bytes, no bytes, and everything where nothing can compress", () => {
  for (const plain of [nodePrimitives.randomBytes(1000), new Uint8Array(0), Uint8Array.of(1)])
    expect(sealBlob(nodePrimitives, key, plain, "max")).toMatchObject({
      uncompressedLength: 0,
      sealed: { length: plain.length + 32 },
    });
  expect(sealBlob(nodePrimitives, key, text, "off").uncompressedLength).toBe(0);
  expect(sealBlob(portablePrimitives, key, text, "max").uncompressedLength).toBe(0);
});

test("a blob that is not what its name says is refused, though its seal is right", () => {
  const blob = sealBlob(nodePrimitives, key, text, "auto");
  const anotherId = parseBlobId("ab".repeat(32));
  expect(() => openBlob(nodePrimitives, key, blob, anotherId)).toThrow("abababab");
});

test("a blob that decompresses to another length than the index says is refused", () => {
  const id = blobIdOf(nodePrimitives, text);
  const { sealed } = sealBlob(nodePrimitives, key, text, "auto");
  for (const uncompressedLength of [text.length - 1, text.length + 1, 2 ** 32 - 1, 0])
    expect(() => openBlob(nodePrimitives, key, { sealed, uncompressedLength }, id)).toThrow(corrupt);
});

test("a blob that claims to be compressed and is not is refused", () => {
  const sealed = seal(nodePrimitives, key, text);
  const id = blobIdOf(nodePrimitives, text);
  expect(() => openBlob(nodePrimitives, key, { sealed, uncompressedLength: text.length }, id)).toThrow(corrupt);
});

test("any damaged byte is noticed", () => {
  const id = blobIdOf(nodePrimitives, text);
  const { sealed, uncompressedLength } = sealBlob(nodePrimitives, key, text, "auto");
  for (let at = 0; at < sealed.length; at++) {
    const damaged = sealed.with(at, (sealed[at] ?? 0) ^ 0x10);
    expect(() => openBlob(nodePrimitives, key, { sealed: damaged, uncompressedLength }, id)).toThrow(corrupt);
  }
});
