import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantError } from "../errors/invariant.ts";
import type { ChunkSizes } from "./chunk-sizes.ts";
import { plainCutFinder } from "./cut-finder.ts";
import { remainder } from "./polynomial.ts";

const polynomial = 0x3da3358b4dc173n;

/** So small that a short property covers thousands of cuts. */
const sizes: ChunkSizes = { minBytes: 70, maxBytes: 256, splitMask: 31 };

/** The rule as the definition tells it: the fingerprint of every window, from nothing. */
function cutByDefinition(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + sizes.minBytes; at <= end; at++) {
    const fingerprint = remainder(BigInt(`0x${bytes.subarray(at - 64, at).toHex()}`), polynomial);
    if ((fingerprint & BigInt(sizes.splitMask)) === 0n || at - start === sizes.maxBytes) return at;
  }
  return -1;
}

test("a chunk ends where the definition says, wherever it begins and however much of it is known", () => {
  const finder = plainCutFinder(polynomial, 1000, sizes);
  const offset = fc.integer({ min: 0, max: 1000 });
  const contents = fc.oneof(
    fc.uint8Array({ minLength: 1000, maxLength: 1000 }),
    fc.uint8Array({ minLength: 1000, maxLength: 1000, max: 1 }),
  );
  fc.assert(
    fc.property(contents, offset, offset, (bytes, a, b) => {
      finder.buffer.set(bytes);
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      expect(finder.cut(start, end)).toBe(cutByDefinition(bytes, start, end));
    }),
  );
});

test("a search that goes on where it came to before finds the same end, and nothing up to there", () => {
  const finder = plainCutFinder(polynomial, 400, sizes);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 400, maxLength: 400 }),
      fc.integer({ min: 0, max: 90 }),
      fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 20 }),
      (bytes, start, steps) => {
        finder.buffer.set(bytes);
        const expected = cutByDefinition(bytes, start, 400);
        let searchedTo = start;
        for (const step of steps) {
          const end = Math.min(searchedTo + step, 400);
          const cut = finder.cut(start, end, searchedTo);
          expect(cut).toBe(expected !== -1 && expected <= end ? expected : -1);
          if (cut !== -1) return;
          searchedTo = end;
        }
      },
    ),
  );
});

test("a place to cut that was passed over is not found again", () => {
  // After zeros there is one everywhere.
  const finder = plainCutFinder(polynomial, 400, sizes);
  expect(finder.cut(0, 400)).toBe(70);
  expect(finder.cut(0, 400, 70)).toBe(71);
  expect(finder.cut(0, 400, 255)).toBe(256);
});

test("what lies outside the buffer, or sizes without room for the window, are our own mistakes", () => {
  const finder = plainCutFinder(polynomial, 1000, sizes);
  for (const [start, end, searchedTo] of [
    [-1, 500, 0],
    [0, 1001, 0],
    [500, 400, 500],
    [100, 500, 99],
    [100, 500, 501],
  ] as const)
    expect(() => finder.cut(start, end, searchedTo)).toThrow(InvariantError);
  for (const wrong of [{ minBytes: 63 }, { maxBytes: 69 }])
    expect(() => plainCutFinder(polynomial, 1000, { ...sizes, ...wrong })).toThrow(InvariantError);
});

test("a polynomial of another degree is refused", () => {
  expect(() => plainCutFinder(0b111n, 1000)).toThrow(expect.objectContaining({ code: "corrupt-data" }));
});
