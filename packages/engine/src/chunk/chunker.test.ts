import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { resticChunkSizes, type ChunkSizes } from "./chunk-sizes.ts";
import { chunks } from "./chunker.ts";
import { remainder } from "./polynomial.ts";

const polynomial = 0x3da3358b4dc173n;
const kib = 1024;
const mib = 1024 * kib;

/** SHA-256("saveos-cdc-1" ‖ uint64-LE(i)) for i = 0, 1, …: bytes that everybody can make again. */
function reproducibleBytes(lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  const input = new Uint8Array(20);
  input.set(new TextEncoder().encode("saveos-cdc-1"));
  const counter = new DataView(input.buffer, 12);
  for (let i = 0; i * 32 < lengthBytes; i++) {
    counter.setBigUint64(0, BigInt(i), true);
    bytes.set(nodePrimitives.sha256(input).subarray(0, lengthBytes - i * 32), i * 32);
  }
  return bytes;
}

const eightMib = reproducibleBytes(8 * mib);

async function* inReads(bytes: Uint8Array, readSizes: readonly number[]): AsyncGenerator<Uint8Array> {
  // One buffer for all reads, as a file reader would have.
  const buffer = new Uint8Array(Math.max(...readSizes, 1));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const read = bytes.subarray(at, at + (readSizes[i % readSizes.length] ?? 1));
    buffer.set(read);
    yield buffer.subarray(0, read.length);
    at += read.length;
  }
}

async function cut(bytes: Uint8Array, { by = polynomial, readSizes = [1 * mib], sizes = resticChunkSizes } = {}) {
  const parts: Uint8Array[] = [];
  for await (const part of chunks(inReads(bytes, readSizes), by, sizes)) parts.push(part);
  return parts;
}

const lengths = (parts: readonly Uint8Array[]) => parts.map((part) => part.length);
const hashes = (parts: readonly Uint8Array[]) => parts.map((part) => nodePrimitives.sha256(part).toHex());

test("the bytes of these tests are the ones they were made for", () => {
  expect(hashes([eightMib])).toEqual(["ef80f64e45aa7199cbfecfaea7243b047a443b2626971c76dc91d5fc0f42625c"]);
});

const resticHashes = [
  "10acc4030ee33f7f6a2b90002be28a2980fb8e71b904a7b1317f0684c4545434",
  "693dc3a18fbf9ee9f8e49b227df54d6dabc0d5899c4e87051eed7f38e693b4c7",
  "c35352ab6fa7fe633cd9a15f931698d9a774923c4f110eb930a3886e2d88773e",
  "f59beb428e947dd592942ee32c80f66025d49529dd9ac79f5254381abf016a2c",
];

test("chunks are those of stock restic", async () => {
  const parts = await cut(eightMib);
  expect(lengths(parts)).toEqual([668_570, 3_426_042, 2_438_021, 1_855_975]);
  expect(hashes(parts)).toEqual(resticHashes);
});

test("another polynomial cuts elsewhere", async () => {
  const parts = await cut(eightMib, { by: 0x249d0c971a3a5fn });
  expect(lengths(parts)).toEqual([740_332, 1_113_161, 1_017_972, 949_875, 3_533_774, 1_033_494]);
  expect(hashes(parts)[0]).toBe("833bc6b7bc22f21919e11ea1212f370c43cc477a361bbffe25c6f18c381da3f6");
});

test("zeros are cut at the smallest size", async () => {
  const parts = await cut(new Uint8Array(4 * 512 * kib));
  expect(lengths(parts)).toEqual([524_288, 524_288, 524_288, 524_288]);
  expect(new Set(hashes(parts))).toEqual(new Set(["07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541"]));
  expect(lengths(await cut(new Uint8Array(524_289)))).toEqual([524_288, 1]);
});

test("bytes without a place to cut are cut at the largest size", async () => {
  const parts = await cut(new Uint8Array(20 * mib).fill(0x61));
  expect(lengths(parts)).toEqual([8_388_608, 8_388_608, 4_194_304]);
  expect(hashes(parts)[0]).toBe("ad97f87076920684e2ca66fc44e5d322797dc9d64706b174e51b5d0828937043");
});

test("no bytes give no chunk, and as many as the smallest size give one", async () => {
  expect(await cut(new Uint8Array(0))).toEqual([]);
  for (const length of [1, 63, 64, 65, 524_287, 524_288])
    expect(lengths(await cut(eightMib.subarray(0, length)))).toEqual([length]);
});

test.each([[[8 * mib]], [[4096]], [[1, 524_287, 64, 63, 65]], [[668_570]], [[668_571, 3]], [[524_288 - 64, 64]]])(
  "reading a file by %o bytes changes nothing",
  async (readSizes) => {
    // Its two first chunks, and a rest.
    const parts = await cut(eightMib.subarray(0, 4_500_000), { readSizes });
    expect(lengths(parts)).toEqual([668_570, 3_426_042, 405_388]);
    expect(hashes(parts).slice(0, 2)).toEqual(resticHashes.slice(0, 2));
  },
);

/** So small that a short property covers thousands of cuts. */
const smallSizes: ChunkSizes = { minBytes: 64, maxBytes: 256, splitMask: 31 };

/** The same rule, told as the definition tells it: the fingerprint of every window, from nothing. */
function cutByDefinition(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let start = 0, at = 1; at <= bytes.length; at++) {
    const length = at - start;
    if (length < smallSizes.minBytes && at < bytes.length) continue;
    const window = length < 64 ? 1n : BigInt(`0x${bytes.subarray(at - 64, at).toHex()}`);
    const isCut = (remainder(window, polynomial) & BigInt(smallSizes.splitMask)) === 0n;
    if (!(length >= smallSizes.minBytes && isCut) && length !== smallSizes.maxBytes && at !== bytes.length) continue;
    found.push(length);
    start = at;
  }
  return found;
}

test("whatever the bytes and the reads, cuts are where the definition puts them and the chunks join to the input", async () => {
  const someBytes = fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.uint8Array({ maxLength: 2000, max: 1 }));
  const readSizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(someBytes, readSizes, async (bytes, sizes) => {
      const parts = await cut(bytes, { readSizes: sizes, sizes: smallSizes });
      expect(Uint8Array.from(parts.flatMap((part) => [...part]))).toEqual(bytes);
      expect(lengths(parts)).toEqual(cutByDefinition(bytes));
    }),
  );
});

test("an insertion moves the cuts near it and no others", async () => {
  const edited = new Uint8Array(eightMib.length + 7);
  edited.set(eightMib.subarray(0, 1_000_000));
  edited.set(eightMib.subarray(1_000_000), 1_000_007);
  const before = hashes(await cut(eightMib));
  const after = hashes(await cut(edited));
  expect(after.filter((hash) => !before.includes(hash)).length).toBe(1);
});

test("each chunk is a buffer of its own", async () => {
  const parts = await cut(eightMib, { readSizes: [100_000] });
  expect(new Set(parts.map((part) => part.buffer)).size).toBe(parts.length);
  for (const part of parts) expect(part.buffer.byteLength).toBe(part.length);
});
