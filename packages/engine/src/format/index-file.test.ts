import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { parseBlobId, parseObjectId } from "./ids.ts";
import { decodeIndexFile, encodeIndexRows, type IndexFile } from "./index-file.ts";
import { IndexRows } from "./index-rows.ts";
import { indexFileBytes } from "../platform/testing/index-file-bytes.ts";

const pack = "aa".repeat(32);
const [first, second] = ["11".repeat(32), "22".repeat(32)];

const indexFile: IndexFile = {
  packs: [
    {
      id: parseObjectId(pack),
      blobs: [
        { type: "data", id: parseBlobId(first), offset: 0, length: 150, uncompressedLength: 0 },
        { type: "tree", id: parseBlobId(second), offset: 150, length: 4294967295, uncompressedLength: 511 },
      ],
    },
  ],
};

const text =
  `{"packs":[{"id":"${pack}","blobs":[{"id":"${first}","type":"data","offset":0,"length":150},` +
  `{"id":"${second}","type":"tree","offset":150,"length":4294967295,"uncompressed_length":511}]}]}\n`;

const decode = (json: string) => decodeIndexFile(new TextEncoder().encode(json));

test("an index file has restic's bytes with the line feed at the end, and is read as it was written", () => {
  expect(new TextDecoder().decode(indexFileBytes(indexFile))).toBe(text);
  expect(decode(text)).toEqual(indexFile);
});

test("an index without packs is an index", () => {
  expect(new TextDecoder().decode(indexFileBytes({ packs: [] }))).toBe('{"packs":[]}\n');
  expect(decode('{"packs":[]}')).toEqual({ packs: [] });
});

const hexId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
const anyBlob = fc.record({
  type: fc.constantFrom("data" as const, "tree" as const),
  id: hexId.map(parseBlobId),
  offset: fc.nat({ max: 0xffffffff }),
  length: fc.integer({ min: 32, max: 0xffffffff }),
  uncompressedLength: fc.nat({ max: 0xffffffff }),
});
const anyPacks = fc.array(fc.record({ id: hexId.map(parseObjectId), blobs: fc.array(anyBlob, { maxLength: 5 }) }), {
  maxLength: 5,
});

test("any index file is read as it was written", () => {
  fc.assert(
    fc.property(anyPacks, (packs) => {
      expect(decodeIndexFile(indexFileBytes({ packs }))).toEqual({ packs });
    }),
  );
});

test("what is written of packs names each of their blobs, data before trees and by offset", () => {
  fc.assert(
    fc.property(anyPacks, (packs) => {
      const rows = packs.map(({ id, blobs }) => {
        const one = new IndexRows();
        one.addPack(id, blobs);
        return one;
      });
      const ordered = packs.map(({ id, blobs }) => ({
        id,
        blobs: blobs.toSorted((a, b) => (a.type === b.type ? a.offset - b.offset : a.type === "data" ? -1 : 1)),
      }));
      expect(encodeIndexRows(rows)).toEqual(indexFileBytes({ packs: ordered }));
    }),
  );
});

test("what old versions and rustic write beside is ignored", () => {
  const others = `{"supersedes":["${first}"],"packs_to_delete":[{"id":"${second}","blobs":[],"time":"x"}],"packs":[`;
  const extended = text.replace('{"packs":[', others).replace("]}]}", '],"time":"2023","size":7}]}');
  expect(decode(extended)).toEqual(indexFile);
});

test.each([
  ["no list of packs", "{}"],
  ["the array of restic before 0.2", "[]"],
  ["a pack without an id", text.replace(`"id":"${pack}",`, "")],
  ["a pack with a bad id", text.replace(pack, "../config")],
  ["a blob without an id", text.replace(`"id":"${first}",`, "")],
  ["a blob without a type", text.replace('"type":"data",', "")],
  ["a blob of an unknown type", text.replace('"data"', '"dato"')],
  ["an offset of more than 32 bits", text.replace('"offset":150', '"offset":4294967296')],
  ["a length of more than 32 bits", text.replace("4294967295", "4294967296")],
  ["a length that no sealed blob has", text.replace('"length":150', '"length":31')],
  ["a negative offset", text.replace('"offset":0', '"offset":-1')],
  ["an end that is missing", text.slice(0, -4)],
])("%s is corrupt data", (_what, json) => {
  expect(() => decode(json)).toThrow(EngineError);
});
