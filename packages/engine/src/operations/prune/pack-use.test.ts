import { expect, test } from "vitest";
import { BlobIndex } from "../../blob-index/blob-index.ts";
import { type BlobId, type ObjectId, parseBlobId, parseObjectId } from "../../format/ids.ts";
import { countPackUse } from "./pack-use.ts";

const needed = ["aa", "bb", "cc"];

test.each([
  ["before", ["new", "old"]],
  ["behind", ["old", "new"]],
])(
  "of a pack and one that holds its needed blobs already, the latter is kept, where it comes %s the other",
  (_, order) => {
    const packs = { old: ["aa", "bb", "cc", "unneeded"], new: ["aa", "bb", "cc"] };
    expect(useOf(order.map((name) => [name, packs[name as keyof typeof packs]]))).toMatchObject({
      old: { usedBlobs: 0, unusedBlobs: 4 },
      new: { usedBlobs: 3, unusedBlobs: 0 },
    });
  },
);

test("a copy in a pack that stays anyhow goes before one in a pack that would go", () => {
  expect(
    useOf([
      ["goes", ["aa", "unneeded"]],
      ["stays", ["aa", "bb"]],
      ["too", ["cc"]],
    ]),
  ).toMatchObject({
    goes: { usedBlobs: 0 },
    stays: { usedBlobs: 2 },
  });
});

test("a blob of which all copies lie in packs that would go keeps its last one", () => {
  const use = useOf([
    ["one", ["aa", "x"]],
    ["two", ["aa", "y"]],
    ["three", ["aa", "z"]],
    ["rest", ["bb", "cc"]],
  ]);
  expect(Object.values(use).map(({ usedBlobs }) => usedBlobs)).toEqual([0, 0, 1, 2]);
});

test("copies in one pack count once", () => {
  expect(useOf([["twice", ["aa", "aa", "bb", "cc"]]])).toMatchObject({ twice: { usedBlobs: 3, unusedBlobs: 1 } });
});

/** The use of packs that hold these blobs, of which `needed` are used. */
function useOf(packs: readonly (readonly [string, readonly string[]])[]) {
  const index = new BlobIndex();
  for (const [name, blobs] of packs)
    index.add(
      packId(name),
      blobs.map((blob, n) => ({
        type: "data",
        id: blobId(blob),
        offset: 100 * n,
        length: 100,
        uncompressedLength: 50,
      })),
    );
  const firstCopies = index.firstCopies();
  const used = new Uint8Array(index.blobCount);
  for (const blob of needed) {
    const row = index.rowOf("data", new Uint32Array(Uint8Array.fromHex(blobId(blob)).buffer), 0);
    if (row !== -1) used[row] = 1;
  }
  const { packs: counted, totals } = countPackUse(index, used, firstCopies);
  expect(totals.blobs.used).toBe(counted.reduce((sum, { usedBlobs }) => sum + usedBlobs, 0));
  expect(totals.blobs.duplicate + totals.blobs.unused).toBe(
    counted.reduce((sum, { unusedBlobs }) => sum + unusedBlobs, 0),
  );
  return Object.fromEntries(counted.map((use, n) => [packs[n]?.[0] ?? "", use]));
}

function packId(name: string): ObjectId {
  return parseObjectId(hexOf(name));
}

function blobId(name: string): BlobId {
  return parseBlobId(hexOf(name));
}

function hexOf(name: string): string {
  return new TextEncoder().encode(name).toHex().padEnd(64, "0");
}
