import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PackedBlob } from "./blob.ts";
import { parseBlobId, parseObjectId } from "./ids.ts";
import {
  blobRowWords,
  dataCountAt,
  type FilledIndexRows,
  IndexRows,
  lengthAt,
  offsetAt,
  packRowWords,
  treeCountAt,
  uncompressedLengthAt,
} from "./index-rows.ts";

const hexId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
const someBlob = fc.record({
  type: fc.constantFrom("data" as const, "tree" as const),
  id: hexId.map(parseBlobId),
  offset: fc.nat({ max: 0xffff_ffff }),
  length: fc.nat({ max: 0xffff_ffff }),
  uncompressedLength: fc.nat({ max: 0xffff_ffff }),
});
const somePacks = fc.array(fc.record({ id: hexId.map(parseObjectId), blobs: fc.array(someBlob, { maxLength: 40 }) }), {
  maxLength: 40,
});

test("rows say what was added, in each pack data before trees and each by offset", () => {
  fc.assert(
    fc.property(somePacks, (packs) => {
      const rows = new IndexRows(1, 1);
      for (const { id, blobs } of packs) rows.addPack(id, blobs);
      const expected = packs.map(({ id, blobs }) => ({ id, blobs: inRowOrder(blobs) }));
      expect(packsIn(rows)).toEqual(expected);
    }),
  );
});

test("a number that does not fit is our own mistake", () => {
  const blob = { type: "data", id: parseBlobId("ab".repeat(32)), offset: 0, length: 32 } as const;
  for (const uncompressedLength of [2 ** 32, -1, 0.5])
    expect(() => new IndexRows().addPack("cd".repeat(32), [{ ...blob, uncompressedLength }])).toThrow("32 bits");
});

function inRowOrder(blobs: readonly PackedBlob[]): PackedBlob[] {
  return (["data", "tree"] as const).flatMap((type) =>
    blobs.filter((blob) => blob.type === type).toSorted((a, b) => a.offset - b.offset),
  );
}

/** Reads rows as their documentation says, by other means than the blob index. */
function packsIn({ packs, blobs, packCount }: FilledIndexRows): { id: string; blobs: PackedBlob[] }[] {
  expect(packs.length).toBe(packCount * packRowWords);
  let row = 0;
  const next = (type: PackedBlob["type"]): PackedBlob => {
    const words = blobs.subarray(row * blobRowWords, ++row * blobRowWords);
    const [offset = -1, length = -1, uncompressedLength = -1] = [offsetAt, lengthAt, uncompressedLengthAt].map(
      (at) => words[at],
    );
    return { type, id: parseBlobId(hexOf(words)), offset, length, uncompressedLength };
  };
  const found = Array.from({ length: packCount }, (_, n) => {
    const words = packs.subarray(n * packRowWords, (n + 1) * packRowWords);
    const data = Array.from({ length: words[dataCountAt] ?? 0 }, () => next("data"));
    const trees = Array.from({ length: words[treeCountAt] ?? 0 }, () => next("tree"));
    return { id: hexOf(words), blobs: [...data, ...trees] };
  });
  expect(row * blobRowWords).toBe(blobs.length);
  return found;
}

function hexOf(words: Uint32Array): string {
  return new Uint8Array(words.buffer, words.byteOffset, 32).toHex();
}
