import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import type { PackedBlob } from "./blob.ts";
import { parseBlobId } from "./ids.ts";
import { decodePackHeader, possiblePackHeader } from "./pack-header.ts";

const idOf = (byte: string) => parseBlobId(byte.repeat(32));

const dataRaw = { type: "data", id: idOf("11"), offset: 0, length: 100, uncompressedLength: 0 } as const;
const treeCompressed = {
  type: "tree",
  id: idOf("22"),
  offset: 100,
  length: 0x010203,
  uncompressedLength: 0x0a0b0c0d,
} as const;

const headerOf = (blobs: readonly PackedBlob[]) =>
  possiblePackHeader(blobs.map((blob) => ({ ...blob, id: Uint8Array.fromHex(blob.id) })));

const ones = "11".repeat(32);
const rawEntry = `0064000000${ones}`;
const compressedEntry = `03030201000d0c0b0a${"22".repeat(32)}`;

const blobLists = fc
  .array(
    fc.record({
      type: fc.constantFrom("data" as const, "tree" as const),
      id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => parseBlobId(bytes.toHex())),
      length: fc.integer({ min: 32, max: 0x01ffffff }),
      uncompressedLength: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffffffff })),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((blobs): PackedBlob[] => {
    let offset = 0;
    return blobs.map((blob) => ({ ...blob, offset: (offset += blob.length) - blob.length }));
  });

test("entries are type, sealed length, uncompressed length if compressed, and id, little-endian and without padding", () => {
  expect(headerOf([dataRaw, treeCompressed])?.toHex()).toBe(rawEntry + compressedEntry);
});

test("any header reads as the blobs it was made of", () => {
  fc.assert(
    fc.property(blobLists, (blobs) => {
      expect(decodePackHeader(headerOf(blobs)!, 2)).toEqual(blobs);
    }),
  );
});

test("there is no header of blobs that no pack can hold: none, with a gap between, shorter than their seal, beyond 4 GiB", () => {
  expect(headerOf([])).toBeUndefined();
  expect(headerOf([dataRaw, { ...treeCompressed, offset: 101 }])).toBeUndefined();
  expect(headerOf([{ ...dataRaw, length: 31 }])).toBeUndefined();
  expect(
    headerOf([
      { ...dataRaw, length: 2 ** 32 - 1 },
      { ...dataRaw, offset: 2 ** 32 - 1 },
    ]),
  ).toBeUndefined();
});

test("a repository of version 1 has no compressed entries", () => {
  expect(decodePackHeader(Uint8Array.fromHex(rawEntry), 1)).toEqual([dataRaw]);
  expect(() => decodePackHeader(Uint8Array.fromHex(rawEntry + compressedEntry), 1)).toThrow(
    "unknown type 3 at byte 37",
  );
});

test.each([
  ["no entry", ""],
  ["an unknown type", `04${rawEntry.slice(2)}`],
  ["an entry cut short", rawEntry + rawEntry.slice(0, -2)],
  ["a type byte alone", `${rawEntry}02`],
  ["a length below the seal's", `001f000000${ones}`],
  ["an uncompressed length of 0", `026400000000000000${ones}`],
  ["blobs beyond 4 GiB", `00ffffffff${ones}${rawEntry}`],
])("a header with %s is corrupt data", (_what, hex) => {
  expect(() => decodePackHeader(Uint8Array.fromHex(hex), 2)).toThrow(EngineError);
});
