import { beforeAll, expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { seal } from "../crypto/seal.ts";
import { objectIdFromBytes, parseBlobId } from "../format/ids.ts";
import { IndexRows } from "../format/index-rows.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { openIndexRows, sealIndexRows } from "./sealed-index-rows.ts";

const key = generateMasterKey(nodePrimitives);
const newId = () => objectIdFromBytes(nodePrimitives.randomBytes(32));
const id = newId();
const rows = new IndexRows();
let sealed: Uint8Array;

beforeAll(() => {
  for (let pack = 0; pack < 3; pack++)
    rows.addPack(
      newId(),
      Array.from({ length: pack * 2 }, (_, n) => ({
        type: n === 1 ? ("tree" as const) : ("data" as const),
        id: parseBlobId(newId()),
        offset: n * 100,
        length: 100,
        uncompressedLength: 50,
      })),
    );
  sealed = sealIndexRows(nodePrimitives, key, id, rows);
});

test("rows are opened as they were sealed", () => {
  const { packs, blobs, packCount } = rows;
  expect(openIndexRows(nodePrimitives, key, id, sealed)).toEqual({ packs, blobs, packCount });
  expect(packCount).toBe(3);
});

test("a changed byte, wherever it is, makes them unusable", () => {
  for (let at = 0; at < sealed.length; at++)
    expect(openIndexRows(nodePrimitives, key, id, sealed.with(at, (sealed[at] ?? 0) ^ 0x40))).toBeUndefined();
});

test("a file cut short or made longer is unusable", () => {
  for (let length = 0; length < sealed.length; length += 7)
    expect(openIndexRows(nodePrimitives, key, id, sealed.subarray(0, length))).toBeUndefined();
  expect(openIndexRows(nodePrimitives, key, id, new Uint8Array([...sealed, 0, 0, 0, 0]))).toBeUndefined();
});

test("they count for no other index file and no other repository", () => {
  expect(openIndexRows(nodePrimitives, key, newId(), sealed)).toBeUndefined();
  expect(openIndexRows(nodePrimitives, generateMasterKey(nodePrimitives), id, sealed)).toBeUndefined();
});

test("nothing else that the key has sealed is taken for rows", () => {
  const texts = ["", '{"packs":[]}', "\u0002", "x".repeat(44), "x".repeat(1000)];
  for (const text of texts) {
    const other = seal(nodePrimitives, key, new TextEncoder().encode(text));
    expect(openIndexRows(nodePrimitives, key, id, other)).toBeUndefined();
  }
});

test("rows whose counts do not fit their length are not taken", () => {
  const lying = { packs: rows.packs.slice(), blobs: rows.blobs, packCount: rows.packCount };
  lying.packs[8] = 1;
  expect(openIndexRows(nodePrimitives, key, id, sealIndexRows(nodePrimitives, key, id, lying))).toBeUndefined();
  const short = { packs: rows.packs, blobs: rows.blobs.subarray(11), packCount: rows.packCount };
  expect(openIndexRows(nodePrimitives, key, id, sealIndexRows(nodePrimitives, key, id, short))).toBeUndefined();
  const more = { packs: rows.packs, blobs: rows.blobs, packCount: rows.packCount + 1 };
  expect(openIndexRows(nodePrimitives, key, id, sealIndexRows(nodePrimitives, key, id, more))).toBeUndefined();
});
