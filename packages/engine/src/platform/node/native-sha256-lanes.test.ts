import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nativeSha256Lanes } from "./native-sha256-lanes.ts";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";

const { sha256, randomBytes } = nodeCryptoPrimitives;

const widths = [1, 2, 3, 4, 5, 8].map((width) => [width, nativeSha256Lanes(width, sha256)] as const);

test.runIf(process.platform === "linux" && process.arch === "x64")("Node for Linux on x86-64 has the function", () => {
  expect(widths.filter(([, hash]) => hash === undefined)).toEqual([]);
});

describe.each(widths.filter(([, hash]) => hash !== undefined))("SHA-256 in %i lanes", (_, hash) => {
  const many = hash ?? expect.unreachable();

  test("gives the digests of messages of any lengths and number, in their order", () => {
    const lengths = fc.oneof(fc.nat(300), fc.nat(9000), fc.nat(100_000));
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 30 }), (all) => {
        const messages = all.map(randomBytes);
        expect(many(messages)).toEqual(messages.map(sha256));
      }),
      { numRuns: 50 },
    );
  });

  test("is right at every border of a block, of the padding, and of what is copied", () => {
    const messages = [0, 64, 128, 8192, 16_384].flatMap((border) =>
      Array.from({ length: 30 }, (_, i) => randomBytes(Math.max(0, border - 20 + i))),
    );
    expect(many(messages)).toEqual(messages.map(sha256));
  });

  test("hashes one huge message beside many small ones", () => {
    const messages = [3_000_001, ...Array.from({ length: 40 }, (_, i) => i * 700)].map(randomBytes);
    expect(many(messages)).toEqual(messages.map(sha256));
    expect(many(messages.toReversed())).toEqual(messages.map(sha256).toReversed());
  });
});

test("a function that gives other digests than the reference is not used", () => {
  expect(nativeSha256Lanes(4, (bytes) => sha256(bytes).reverse())).toBeUndefined();
});
