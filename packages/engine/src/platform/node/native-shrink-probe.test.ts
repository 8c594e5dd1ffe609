import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { minProbedBytes, seemsToShrink } from "./native-shrink-probe.ts";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";

const { randomBytes, zstdCompress } = nodeCryptoPrimitives;
const seems = (bytes: Uint8Array) =>
  seemsToShrink(bytes, (sample, room) => zstdCompress?.(sample, "fastest", room)?.length);

test("random bytes, and what is compressed already, don't seem to shrink", () => {
  expect(seems(randomBytes(minProbedBytes))).toBe(false);
  const words = Array.from(randomBytes(1_500_000), (byte) => `${byte} `).join("");
  expect(seems(new Uint8Array(zstdCompressSync(words)))).toBe(false);
});

test("text seems to shrink, after one small sample", () => {
  const looks: number[] = [];
  const text = new TextEncoder().encode("It was the best of times, it was the worst of times. ".repeat(10_000));
  const seemsSo = seemsToShrink(text, (sample, room) => {
    looks.push(sample.length);
    return zstdCompress?.(sample, "fastest", room)?.length;
  });
  expect([seemsSo, looks]).toEqual([true, [1024]]);
});

test("numbers that are a little uneven seem to shrink, though no small sample shows it", () => {
  // Every other byte has six bits of information.
  const uneven = randomBytes(1_000_000).map((byte, i) => (i % 2 === 0 ? byte & 0x3f : byte));
  const length = zstdCompress?.(uneven, "auto")?.length ?? 0;
  expect(length / uneven.length).toBeGreaterThan(0.9);
  expect(seems(uneven)).toBe(true);
});

test("a tenth of text within random bytes is nearly always found, wherever it lies", () => {
  const sizeBytes = 1_000_000;
  let found = 0;
  for (let i = 0; i < 50; i++) {
    const bytes = randomBytes(sizeBytes);
    bytes.fill(0x61, (i * sizeBytes) / 60, (i * sizeBytes) / 60 + sizeBytes / 10);
    found += Number(seems(bytes));
  }
  expect(found).toBe(50);
});
