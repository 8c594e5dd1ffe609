import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BlobLocation, BlobType, PackedBlob } from "../format/blob.ts";
import { parseBlobId, parseObjectId } from "../format/ids.ts";
import { possiblePackHeader } from "../format/pack-header.ts";
import { BlobIndex } from "./blob-index.ts";

const blobId = (n: number) => parseBlobId("b".repeat(48) + n.toString(16).padStart(16, "0"));
const packId = (n: number) => parseObjectId("a".repeat(48) + n.toString(16).padStart(16, "0"));

function blob(n: number, offset: number, type: BlobType = "data"): PackedBlob {
  return { type, id: blobId(n), offset, length: 100 + n, uncompressedLength: n % 2 === 0 ? 0 : 1000 + n };
}

test("a blob is found where it is", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(1, 0), blob(2, 101)]);
  index.add(packId(2), [blob(3, 0)]);
  expect(index.has({ type: "data", id: blobId(2) })).toBe(true);
  expect(index.find({ type: "data", id: blobId(2) })).toEqual([{ pack: packId(1), ...blob(2, 101) }]);
  expect(index.find({ type: "data", id: blobId(9) })).toEqual([]);
  expect(index.has({ type: "data", id: blobId(9) })).toBe(false);
  expect([index.blobCount, index.packCount]).toEqual([3, 2]);
});

test("data and trees are kept apart, even with the same id", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(1, 0, "tree")]);
  expect(index.has({ type: "data", id: blobId(1) })).toBe(false);
  index.add(packId(2), [blob(1, 0, "data")]);
  expect(index.find({ type: "tree", id: blobId(1) }).map(({ pack }) => pack)).toEqual([packId(1)]);
  expect(index.find({ type: "data", id: blobId(1) }).map(({ pack }) => pack)).toEqual([packId(2)]);
});

test("all copies of a blob are found, in the order in which they came", () => {
  const index = new BlobIndex();
  for (const n of [5, 3, 8]) index.add(packId(n), [blob(1, n)]);
  expect(index.find({ type: "data", id: blobId(1) }).map(({ pack }) => pack)).toEqual([5, 3, 8].map(packId));
});

test("a pack comes back by offset, whatever the order in the index file", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(3, 300), blob(1, 0), blob(2, 150, "tree")]);
  index.add(packId(2), [blob(4, 0)]);
  expect([...index.packs()]).toMatchObject([
    { pack: packId(1), blobCount: 3, isMixed: true, blobs: [blob(1, 0), blob(2, 150, "tree"), blob(3, 300)] },
    { pack: packId(2), blobCount: 1, isMixed: false, blobs: [blob(4, 0)] },
  ]);
});

test.each<[what: string, blobs: PackedBlob[]]>([
  ["data", [blob(1, 0), blob(2, 101), blob(3, 203)]],
  ["trees", [blob(1, 0, "tree"), blob(2, 101, "tree")]],
  ["both", [blob(1, 0), blob(2, 101, "tree"), blob(3, 203)]],
  ["data with a gap", [blob(1, 0), blob(2, 102)]],
  ["trees from beyond the beginning", [blob(1, 7, "tree")]],
  ["both, one over the other", [blob(1, 0), blob(2, 50, "tree")]],
  ["less than a seal", [{ ...blob(1, 0), length: 31 }]],
  ["more than fits", [{ ...blob(1, 0), length: 2 ** 32 - 1 }, blob(2, 2 ** 32 - 1)]],
])("a pack of %s has the size and the header that its blobs make, if they can", (_what, blobs) => {
  const index = new BlobIndex();
  index.add(packId(1), blobs);
  const [pack] = index.packs();
  const header = possiblePackHeader(blobs.map((each) => ({ ...each, id: Uint8Array.fromHex(each.id) })));
  expect(pack?.header?.toHex()).toBe(header?.toHex());
  const entries = blobs.map(({ uncompressedLength }) => (uncompressedLength === 0 ? 37 : 41));
  const bytes = blobs.map(({ length }) => length);
  // The header's seal and the length field.
  expect(pack?.sizeBytes).toBe([...bytes, ...entries, 32, 4].reduce((sum, each) => sum + each));
});

test("a pack that several index files tell the same about counts once", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(1, 0), blob(2, 101)]);
  index.add(packId(1), [blob(2, 101), blob(1, 0)]);
  expect([index.blobCount, index.packCount, index.conflictingPacks()]).toEqual([2, 1, []]);
  expect(index.find({ type: "data", id: blobId(1) }).length).toBe(1);
});

test("a pack that index files disagree about is told, with all they say", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(1, 0)]);
  index.add(packId(2), [blob(7, 0)]);
  index.add(packId(1), [blob(1, 5)]);
  index.add(packId(1), [blob(1, 0)]);
  index.add(packId(1), [blob(1, 5)]);
  expect(index.conflictingPacks()).toEqual([packId(1)]);
  expect([index.blobCount, index.packCount]).toEqual([3, 2]);
  expect(index.find({ type: "data", id: blobId(1) }).map(({ offset }) => offset)).toEqual([0, 5]);
  expect([...index.packs()].length).toBe(3);
});

test.each<Partial<PackedBlob>>([
  { type: "tree" },
  { id: blobId(2) },
  { offset: 1 },
  { length: 1 },
  { uncompressedLength: 1 },
])("an entry that differs in %o only is another one", (difference) => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(0, 0)]);
  index.add(packId(1), [{ ...blob(0, 0), ...difference }]);
  expect(index.conflictingPacks()).toEqual([packId(1)]);
});

test("a pack without blobs is a pack", () => {
  const index = new BlobIndex();
  index.add(packId(1), []);
  expect([...index.packs()]).toMatchObject([{ pack: packId(1), blobCount: 0, header: undefined, blobs: [] }]);
});

test("it knows which packs it has, and which hold trees only", () => {
  const index = new BlobIndex();
  index.add(packId(1), [blob(1, 0, "tree"), blob(2, 150, "tree")]);
  index.add(packId(2), [blob(3, 0)]);
  index.add(packId(3), [blob(4, 0, "tree"), blob(5, 150)]);
  index.add(packId(4), []);
  expect([1, 2, 3, 4, 5].map((n) => index.hasPack(packId(n)))).toEqual([true, true, true, true, false]);
  expect([1, 2, 3, 4, 5].map((n) => index.isTreePack(packId(n)))).toEqual([true, false, false, false, false]);
});

test("what is added after a lookup is found as well", () => {
  const index = new BlobIndex();
  for (let n = 1; n < 3000; n++) {
    index.add(packId(n), [blob(n, 0, n % 2 === 0 ? "tree" : "data")]);
    expect(index.has({ type: n % 2 === 0 ? "tree" : "data", id: blobId(n) })).toBe(true);
  }
  expect(index.find({ type: "tree", id: blobId(256) }).map(({ pack }) => pack)).toEqual([packId(256)]);
});

test("the largest numbers of the format are kept, and larger ones noticed", () => {
  const index = new BlobIndex();
  const largest = 2 ** 32 - 1;
  const big = { ...blob(1, 0), offset: largest, length: largest, uncompressedLength: largest };
  index.add(packId(1), [big]);
  expect(index.find(big)).toEqual([{ pack: packId(1), ...big }]);
  expect(() => index.add(packId(2), [{ ...big, offset: 2 ** 32 }])).toThrow("32 bits");
});

test("it says what a plain map says", () => {
  const someBlob = fc.record({
    type: fc.constantFrom<BlobType>("data", "tree"),
    id: fc.nat(30).map(blobId),
    length: fc.integer({ min: 32, max: 5000 }),
    uncompressedLength: fc.nat(9000),
  });
  const somePacks = fc.uniqueArray(fc.tuple(fc.nat(1000), fc.array(someBlob, { maxLength: 8 })), {
    selector: ([pack]) => pack,
    maxLength: 30,
  });
  fc.assert(
    fc.property(somePacks, (packs) => {
      const index = new BlobIndex();
      const all: BlobLocation[] = [];
      for (const [n, blobs] of packs) {
        let offset = 0;
        const packed = blobs.map((entry) => ({ ...entry, offset: (offset += entry.length) - entry.length }));
        index.add(packId(n), packed);
        all.push(...packed.map((entry) => ({ pack: packId(n), ...entry })));
      }
      expect(index.blobCount).toBe(all.length);
      expect(index.packCount).toBe(packs.length);
      for (const type of ["data", "tree"] as const)
        for (let n = 0; n <= 30; n++) {
          const expected = all.filter((entry) => entry.type === type && entry.id === blobId(n));
          expect(index.find({ type, id: blobId(n) })).toEqual(expected);
          expect(index.has({ type, id: blobId(n) })).toBe(expected.length > 0);
        }
      expect([...index.packs()].flatMap(({ pack, blobs }) => blobs.map((entry) => ({ pack, ...entry })))).toEqual(all);
    }),
  );
});
