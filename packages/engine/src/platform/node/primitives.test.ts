import * as fc from "fast-check";
import { expect, test } from "vitest";
import { portablePrimitives } from "../../crypto/portable-primitives.ts";
import type { Compression } from "../../crypto/primitives.ts";
import { nodePrimitives } from "./primitives.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const levels: Exclude<Compression, "off">[] = ["fastest", "auto", "better", "max"];

function zstd(plain: Uint8Array, level: Exclude<Compression, "off"> = "auto"): Uint8Array {
  return nodePrimitives.zstdCompress?.(plain, level) ?? expect.unreachable("Node compresses");
}

test("Node's and the portable SHA-256 agree", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
      expect(nodePrimitives.sha256(message)).toEqual(portablePrimitives.sha256(message));
    }),
  );
});

test("Node's and the portable AES agree, with a new key in every call", () => {
  fc.assert(
    fc.property(bytes(32), bytes(16), fc.uint8Array({ maxLength: 100 }), (key, iv, message) => {
      expect(nodePrimitives.aes256Ctr(key, iv, message)).toEqual(portablePrimitives.aes256Ctr(key, iv, message));
      expect(nodePrimitives.aes128Block(iv, iv)).toEqual(portablePrimitives.aes128Block(iv, iv));
    }),
  );
});

test("the counter of AES carries through all 128 bits", () => {
  const key = new Uint8Array(32).fill(5);
  const lastCounter = new Uint8Array(16).fill(0xff);
  const message = new Uint8Array(100);
  expect(nodePrimitives.aes256Ctr(key, lastCounter, message)).toEqual(
    portablePrimitives.aes256Ctr(key, lastCounter, message),
  );
});

test("a key whose buffer is used again for another key is not mistaken for the first", () => {
  const key = new Uint8Array(32).fill(1);
  const iv = new Uint8Array(16).fill(2);
  const message = new Uint8Array(20);
  nodePrimitives.aes256Ctr(key, iv, message);
  key.fill(9);
  expect(nodePrimitives.aes256Ctr(key, iv, message)).toEqual(portablePrimitives.aes256Ctr(key, iv, message));
});

test("Node's and the portable scrypt agree", async () => {
  const cost = { N: 256, r: 8, p: 3 };
  const password = new TextEncoder().encode("pässwörd");
  const salt = new Uint8Array(64).fill(3);
  expect(await nodePrimitives.scrypt(password, salt, cost, 64)).toEqual(
    await portablePrimitives.scrypt(password, salt, cost, 64),
  );
});

test("what Node compresses at any level, both decompress", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000, max: 20 }), fc.constantFrom(...levels), (plain, level) => {
      const compressed = zstd(plain, level);
      expect(nodePrimitives.zstdDecompress(compressed, plain.length)).toEqual(plain);
      expect(portablePrimitives.zstdDecompress(compressed, plain.length)).toEqual(plain);
    }),
  );
});

test.each([
  ["Node's", nodePrimitives],
  ["the portable", portablePrimitives],
])("%s decompression refuses what gives more than it may, or is cut short", (_, primitives) => {
  const compressed = zstd(new Uint8Array(64 * 1024 * 1024));
  expect(compressed.length).toBeLessThan(10_000);
  expect(() => primitives.zstdDecompress(compressed, 1000)).toThrow(corrupt);
  expect(() => primitives.zstdDecompress(compressed, 64 * 1024 * 1024 - 1)).toThrow(corrupt);
  const small = zstd(new TextEncoder().encode("some text, some text and more text"));
  expect(() => primitives.zstdDecompress(small, 0)).toThrow(corrupt);
  for (let length = 0; length < small.length; length++)
    expect(() => primitives.zstdDecompress(small.subarray(0, length), 1000)).toThrow(corrupt);
});

test.each([
  ["Node's", nodePrimitives],
  ["the portable", portablePrimitives],
])("%s random bytes have the length asked for and do not repeat", (_, primitives) => {
  expect(primitives.randomBytes(200_001).length).toBe(200_001);
  expect(primitives.randomBytes(16)).not.toEqual(primitives.randomBytes(16));
  expect(primitives.randomBytes(200_000).subarray(-16)).not.toEqual(new Uint8Array(16));
});

test("results are plain byte arrays, not Node's buffers", () => {
  const ten = new Uint8Array(10);
  const key = new Uint8Array(32);
  const results = [
    nodePrimitives.sha256(ten),
    nodePrimitives.aes256Ctr(key, key.subarray(16), ten),
    nodePrimitives.zstdDecompress(zstd(ten), 10),
    nodePrimitives.randomBytes(3),
  ];
  for (const result of results) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
});
