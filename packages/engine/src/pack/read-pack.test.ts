import { expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { seal } from "../crypto/seal.ts";
import type { PackedBlob } from "../format/blob.ts";
import { parseBlobId } from "../format/ids.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { PackBuilder } from "./pack-builder.ts";
import { memoryDraft } from "./pack-draft.ts";
import { packEndBytes, packHeaderStart, readPackHeader } from "./read-pack.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });
const key = generateMasterKey(nodePrimitives);

function packWith(blobCount: number) {
  const builder = new PackBuilder(memoryDraft());
  const blobs: PackedBlob[] = [];
  for (let i = 0; i < blobCount; i++) {
    const handle = { type: "data", id: parseBlobId(i.toString(16).padStart(64, "0")) } as const;
    const [length, uncompressedLength] = [100 + i, 1000 + i];
    blobs.push({ ...handle, offset: builder.sizeBytes, length, uncompressedLength });
    builder.add(handle, { sealed: new Uint8Array(length), uncompressedLength });
  }
  return { ...builder.finish(nodePrimitives, key), blobs };
}

function withHeaderLength(length: number): Uint8Array {
  const end = new Uint8Array(100);
  new DataView(end.buffer).setUint32(96, length, true);
  return end;
}

test("the end of a pack tells its blobs, without the blobs", () => {
  const { content: bytes, blobs } = packWith(15);
  expect(readPackHeader(nodePrimitives, key, bytes.subarray(-packEndBytes), bytes.length)).toEqual(blobs);
});

test("the last bytes tell how much of a larger header is missing", () => {
  const { content: bytes, blobs } = packWith(40);
  const start = packHeaderStart(bytes.subarray(-packEndBytes), bytes.length);
  expect(start).toBeLessThan(bytes.length - packEndBytes);
  expect(readPackHeader(nodePrimitives, key, bytes.subarray(start), bytes.length)).toEqual(blobs);
});

test.each([
  ["nothing", 0],
  ["less than a seal", 31],
  ["a seal without entries", 32],
  ["more than there is before it", 97],
  ["4 GiB", 2 ** 32 - 1],
])("a header length of %s is refused", (_, length) => {
  expect(() => packHeaderStart(withHeaderLength(length), 100)).toThrow(corrupt);
});

test("a header of more than 16 MiB is refused, however large the pack", () => {
  const sixteenMib = 16 * 1024 * 1024;
  expect(packHeaderStart(withHeaderLength(sixteenMib), 2 ** 30)).toBe(2 ** 30 - 4 - sixteenMib);
  expect(() => packHeaderStart(withHeaderLength(sixteenMib + 1), 2 ** 30)).toThrow(corrupt);
});

test("a file too short to be a pack is refused", () => {
  for (let length = 0; length < 73; length++)
    expect(() => readPackHeader(nodePrimitives, key, new Uint8Array(length).fill(1), length)).toThrow(corrupt);
});

test("a pack that lost bytes in front or at its end is refused", () => {
  const { content: bytes } = packWith(3);
  for (const damaged of [bytes.subarray(1), bytes.subarray(0, -1), bytes.subarray(0, -4)])
    expect(() => readPackHeader(nodePrimitives, key, damaged, damaged.length)).toThrow(corrupt);
});

test("any damaged byte of the header is noticed", () => {
  const { content: bytes } = packWith(2);
  const start = packHeaderStart(bytes, bytes.length);
  for (let at = start; at < bytes.length; at++) {
    const damaged = bytes.with(at, (bytes[at] ?? 0) ^ 0x01);
    expect(() => readPackHeader(nodePrimitives, key, damaged, damaged.length)).toThrow(corrupt);
  }
});

test("a sealed header of another kind of file is refused", () => {
  const header = seal(nodePrimitives, key, new TextEncoder().encode("{}"));
  const bytes = new Uint8Array(header.length + 4);
  bytes.set(header);
  bytes[header.length] = header.length;
  expect(() => readPackHeader(nodePrimitives, key, bytes, bytes.length)).toThrow(corrupt);
});

test("compressed blobs in a version 1 repository are refused", () => {
  const { content: bytes } = packWith(1);
  expect(() => readPackHeader(nodePrimitives, key, bytes, bytes.length, 1)).toThrow(corrupt);
});
