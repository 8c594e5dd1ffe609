import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { resticChunkSizes, type ChunkSizes } from "../../chunk/chunk-sizes.ts";
import { chunks } from "../../chunk/chunker.ts";
import { plainCutFinder, type CutFinder } from "../../chunk/cut-finder.ts";
import { randomPolynomial } from "../../chunk/polynomial.ts";
import { wasmCutFinder } from "./cut-finder.ts";
import { firstCutKernel } from "./first-cut-kernel.ts";
import { instantiateKernel } from "./kernel.ts";

afterEach(() => void vi.unstubAllGlobals());

const polynomial = 0x3da3358b4dc173n;
/** Room for several rounds of the kernel's four stretches, and the rest. */
const capacityBytes = 80_000;

/** Bytes that look random and that a seed makes again. */
function randomBytes(seed: number, lengthBytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  // Marsaglia's xorshift; it must not begin with zero.
  let word = seed | 1;
  for (let index = 0; index < words.length; index++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[index] = word;
  }
  return new Uint8Array(words.buffer, 0, lengthBytes);
}

function repeated(pattern: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: capacityBytes }, (_, index) => pattern[index % pattern.length] ?? 0);
}

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const contents = fc.oneof(
  seed.map((seed) => randomBytes(seed, capacityBytes)),
  seed.map((seed) => randomBytes(seed, capacityBytes).map((byte) => "etaoin shrdlu\n(){};=".charCodeAt(byte % 20))),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map(repeated),
  // Nothing but zeros up to somewhere: there all is a place to cut, behind it little is.
  fc.tuple(seed, fc.nat(capacityBytes)).map(([seed, zeros]) => randomBytes(seed, capacityBytes).fill(0, 0, zeros)),
);
/** All of degree 53, irreducible or not: a repository's owner may have chosen it. */
const polynomials = fc.oneof(
  fc.constant(polynomial),
  fc.bigInt({ min: 1n << 53n, max: (1n << 54n) - 1n }),
  seed.map((seed) => {
    let draw = seed;
    return randomPolynomial((lengthBytes) => randomBytes(draw++, lengthBytes));
  }),
);
const chunkSizes: fc.Arbitrary<ChunkSizes> = fc
  .tuple(fc.integer({ min: 64, max: 5000 }), fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 20 }))
  .map(([minBytes, more, bits]) => ({ minBytes, maxBytes: minBytes + more, splitMask: 2 ** bits - 1 }));

function allCuts(finder: CutFinder, start: number, end: number): number[] {
  const cuts: number[] = [];
  for (let cut = finder.cut(start, end); cut !== -1; cut = finder.cut(cut, end)) cuts.push(cut);
  return cuts;
}

test("cuts are those of the plain finder: any bytes, polynomial, sizes, alignment, end", () => {
  fc.assert(
    fc.property(
      polynomials,
      chunkSizes,
      contents,
      fc.nat(600),
      fc.nat(capacityBytes - 600),
      (by, sizes, bytes, start, length) => {
        const plain = plainCutFinder(by, capacityBytes, sizes);
        const wasm = wasmCutFinder(by, capacityBytes, sizes);
        plain.buffer.set(bytes);
        wasm.buffer.set(bytes);
        expect(allCuts(wasm, start, start + length)).toEqual(allCuts(plain, start, start + length));
      },
    ),
  );
});

test("a search goes on where it came to before, as in the plain finder", () => {
  fc.assert(
    fc.property(chunkSizes, contents, fc.nat(capacityBytes), fc.nat(capacityBytes), (sizes, bytes, a, b) => {
      const plain = plainCutFinder(polynomial, capacityBytes, sizes);
      const wasm = wasmCutFinder(polynomial, capacityBytes, sizes);
      plain.buffer.set(bytes);
      wasm.buffer.set(bytes);
      const [searchedTo, end] = [Math.min(a, b), Math.max(a, b)];
      expect(wasm.cut(0, end, searchedTo)).toBe(plain.cut(0, end, searchedTo));
    }),
  );
});

test("the only cut in much data is found wherever it is", () => {
  // With this many bits, cuts come every 16 MiB: none in this data but the one that zeros make.
  const sizes: ChunkSizes = { minBytes: 64, maxBytes: 1 << 20, splitMask: 2 ** 24 - 1 };
  const plain = plainCutFinder(polynomial, capacityBytes, sizes);
  const wasm = wasmCutFinder(polynomial, capacityBytes, sizes);
  const bytes = randomBytes(1, capacityBytes);
  // The kernel's stretches are 4096 bytes and begin with the first place where a cut may be.
  const nearBorders = [-2, -1, 0, 1, 2].flatMap((off) =>
    [1, 2, 3, 4, 5, 8, 16].map((count) => 64 + 4096 * count + off),
  );
  const anywhere = Array.from({ length: 150 }, (_, index) => 64 + 509 * index);
  for (const at of [...nearBorders, ...anywhere]) {
    for (const { buffer } of [plain, wasm]) {
      buffer.set(bytes);
      buffer.fill(0, at - 64, at);
    }
    expect(wasm.cut(0, capacityBytes)).toBe(at);
    expect(plain.cut(0, capacityBytes)).toBe(at);
  }
});

test("with restic's sizes, chunks of a stream are those of the plain finder", async () => {
  const bytes = randomBytes(7, 20 * 1024 * 1024).fill(0x20, 9_000_000, 18_000_000);
  const lengths = async (makeCutFinder: typeof wasmCutFinder) => {
    const found: number[] = [];
    const stream = (async function* () {
      for (let at = 0; at < bytes.length; at += 1_000_003) yield bytes.subarray(at, at + 1_000_003);
    })();
    for await (const chunk of chunks(stream, polynomial, resticChunkSizes, makeCutFinder)) found.push(chunk.length);
    return found;
  };
  const found = await lengths(wasmCutFinder);
  expect(found).toEqual(await lengths(plainCutFinder));
  expect(found).toContain(resticChunkSizes.maxBytes);
});

test("its buffer has the capacity that was asked for, and the kernel's own memory is not in it", () => {
  for (const capacity of [64, 65_536, 100_001]) {
    const { buffer } = wasmCutFinder(polynomial, capacity);
    expect(buffer.length).toBe(capacity);
    expect(buffer.every((byte) => byte === 0)).toBe(true);
  }
});

test("two finders share nothing", () => {
  const sizes: ChunkSizes = { minBytes: 64, maxBytes: 40_000, splitMask: 1023 };
  const finders = [polynomial, 0x249d0c971a3a5fn].map((by) => wasmCutFinder(by, capacityBytes, sizes));
  const twins = [polynomial, 0x249d0c971a3a5fn].map((by) => plainCutFinder(by, capacityBytes, sizes));
  for (const { buffer } of [...finders, ...twins]) buffer.set(randomBytes(3, capacityBytes));
  const [one, other] = finders.map((finder) => allCuts(finder, 0, capacityBytes));
  expect([one, other]).toEqual(twins.map((finder) => allCuts(finder, 0, capacityBytes)));
  expect(one).not.toEqual(other);
});

test("without WebAssembly the plain finder takes its place", () => {
  expect(instantiateKernel(firstCutKernel, capacityBytes)).toBeDefined();
  const bytes = randomBytes(5, capacityBytes);
  const sizes: ChunkSizes = { minBytes: 64, maxBytes: 40_000, splitMask: 1023 };
  const cuts = () => {
    const finder = wasmCutFinder(polynomial, capacityBytes, sizes);
    finder.buffer.set(bytes);
    return allCuts(finder, 0, capacityBytes);
  };
  const expected = cuts();
  vi.stubGlobal("WebAssembly", undefined);
  expect(cuts()).toEqual(expected);
});

test("a polynomial of another degree is refused", () => {
  expect(() => wasmCutFinder(0b111n, 1000)).toThrow(expect.objectContaining({ code: "corrupt-data" }));
});
