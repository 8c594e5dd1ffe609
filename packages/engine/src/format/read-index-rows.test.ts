import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import type { PackedBlob } from "./blob.ts";
import { type ObjectId, parseBlobId, parseObjectId } from "./ids.ts";
import { decodeIndexFile } from "./index-file.ts";
import { indexFileBytes } from "../platform/testing/index-file-bytes.ts";
import { type FilledIndexRows, IndexRows } from "./index-rows.ts";
import { readIndexRows, readPlainIndex } from "./read-index-rows.ts";

const hexId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
const someNumber = fc.oneof(fc.nat({ max: 999 }), fc.nat({ max: 0xffff_ffff }), fc.constant(0xffff_ffff));
const someBlob = fc.record({
  type: fc.constantFrom("data" as const, "tree" as const),
  id: hexId.map(parseBlobId),
  offset: someNumber,
  length: someNumber.map((length) => Math.max(length, 32)),
  uncompressedLength: fc.oneof(fc.constant(0), someNumber),
});
const someIndex = fc
  .array(fc.record({ id: hexId.map(parseObjectId), blobs: fc.array(someBlob, { maxLength: 6 }) }), { maxLength: 6 })
  .map((packs) => indexFileBytes({ packs }));

test("what restic's form says is read from the bytes, as the general reader reads it", () => {
  fc.assert(
    fc.property(someIndex, fc.boolean(), (json, withLineFeed) => {
      const file = withLineFeed ? json : json.subarray(0, -1);
      const rows = readPlainIndex(file);
      if (rows === undefined) expect.unreachable();
      expect(partsOf(rows)).toEqual(twin(file));
    }),
  );
});

test("any change of a byte means to both readers the same, or the general one alone decides", () => {
  const place = fc.nat({ max: 100_000 });
  const likely = fc.constantFrom(...new TextEncoder().encode('{}[]",:0123456789abcdefgAFt \n-.eé\\\0'));
  const change = fc.record({ place, byte: fc.oneof(likely, fc.nat({ max: 255 })), how: fc.constantFrom(0, 1, 2, 3) });
  fc.assert(
    fc.property(someIndex, fc.array(change, { minLength: 1, maxLength: 3 }), (json, changes) => {
      const file = changes.reduce((bytes, { place, byte, how }) => changed(bytes, place, byte, how), json);
      expect(outcome(() => partsOf(readIndexRows(file)))).toEqual(outcome(() => twin(file)));
    }),
    { numRuns: 2000 },
  );
});

test("every beginning of a file is corrupt data", () => {
  const [json] = fc.sample(
    someIndex.filter((bytes) => bytes.length > 300),
    1,
  );
  if (json === undefined) expect.unreachable();
  // Only the line feed may be missing.
  for (let length = 0; length < json.length - 1; length++)
    expect(() => readIndexRows(json.subarray(0, length))).toThrow(EngineError);
});

const id = "ab".repeat(32);
const blob = `{"id":"${id}","type":"data","offset":0,"length":150}`;
const index = `{"packs":[{"id":"${id}","blobs":[${blob}]}]}`;

test.each([
  ["capital digits", index.replace("abab", "ABAB")],
  ["an id of 63 digits", index.replace(`${id}","type`, `${id.slice(1)}","type`)],
  ["an id of 65 digits", index.replace(`${id}","type`, `${id}a","type`)],
  ["a number with many digits", index.replace('"offset":0', `"offset":${"9".repeat(5000)}`)],
  ["a number with leading zeros", index.replace('"offset":0', '"offset":007')],
  ["a fraction", index.replace('"length":150', '"length":150.5')],
  ["an exponent", index.replace('"length":150', '"length":1e3')],
  ["a length that no sealed blob has", index.replace('"length":150', '"length":31')],
  ["arrays nested without end", `{"x":${"[".repeat(200_000)}`],
  ["something behind the end", `${index}\n\n{}`],
  ["a zero byte behind the end", `${index}\0`],
  ["a comma behind the last blob", index.replace(`${blob}]`, `${blob},]`)],
  ["nothing", ""],
])("%s: corrupt data", (_what, json) => {
  expect(() => readIndexRows(new TextEncoder().encode(json))).toThrow(EngineError);
});

test.each([
  ["white space", index.replaceAll(":", " : ")],
  ["keys in another order", index.replace(blob, `{"length":150,"offset":0,"type":"data","id":"${id}"}`)],
  ["the same key twice", index.replace('"offset":0', '"offset":7,"offset":0')],
  ["keys of other programs", index.replace('{"packs"', '{"supersedes":[],"packs"')],
  ["a blob that is there twice", index.replace(blob, `${blob},${blob}`)],
])("%s: read by the general reader", (_what, json) => {
  const file = new TextEncoder().encode(json);
  expect(partsOf(readIndexRows(file))).toEqual(twin(file));
});

/** What the general reader makes of a file. */
function twin(json: Uint8Array): unknown {
  const rows = new IndexRows();
  for (const { id, blobs } of decodeIndexFile(json).packs as { id: ObjectId; blobs: PackedBlob[] }[])
    rows.addPack(id, blobs);
  return partsOf(rows);
}

function partsOf({ packs, blobs, packCount }: FilledIndexRows): unknown {
  return { packs: [...packs], blobs: [...blobs], packCount };
}

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error instanceof EngineError ? error.code : error;
  }
}

function changed(bytes: Uint8Array, place: number, byte: number, how: number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = place % bytes.length;
  const before = bytes.subarray(0, at);
  if (how === 0) return bytes.with(at, byte);
  if (how === 1) return new Uint8Array([...before, byte, ...bytes.subarray(at)]);
  if (how === 2) return new Uint8Array([...before, ...bytes.subarray(at + 1)]);
  return before;
}
