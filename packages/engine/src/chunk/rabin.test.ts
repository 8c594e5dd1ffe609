import { expect, test } from "vitest";
import { remainder } from "./polynomial.ts";
import { rabinTables, windowBytes } from "./rabin.ts";

const polynomial = 0x3da3358b4dc173n;

function joined(high: Uint32Array, low: Uint32Array, index: number): string {
  return ((BigInt(high[index] ?? 0) << 32n) | BigInt(low[index] ?? 0)).toString(16);
}

test("the reduction table is restic's", () => {
  const { reduceTopHigh, reduceTopLow } = rabinTables(polynomial);
  const entries = [1, 2, 128, 255].map((index) => joined(reduceTopHigh, reduceTopLow, index));
  expect(entries).toEqual(["3da3358b4dc173", "46e55e9dd64395", "1012ab55b228ad4d", "1ff7ac8a5af476a7"]);
});

test("the table of leaving bytes is restic's, one byte further on", () => {
  // restic drops the oldest byte before it takes in the next, this table at the same time.
  const { dropOldHigh, dropOldLow } = rabinTables(polynomial);
  const restic = [0x17eb4232e19216n, 0x1275b1ee8ee55fn, 0x5b54453ea6b5cn, 0xb80b98cecc39an];
  const entries = [1, 2, 128, 255].map((index) => joined(dropOldHigh, dropOldLow, index));
  expect(entries).toEqual(restic.map((entry) => remainder(entry << 8n, polynomial).toString(16)));
});

test("a window of zeros after any byte leaves nothing of it", () => {
  const { dropOldHigh, dropOldLow } = rabinTables(0x249d0c971a3a5fn);
  const shifted = remainder(0xa7n << BigInt(8 * windowBytes), 0x249d0c971a3a5fn).toString(16);
  expect(joined(dropOldHigh, dropOldLow, 0xa7)).toBe(shifted);
  expect(joined(dropOldHigh, dropOldLow, 0)).toBe("0");
});

test("a polynomial of another degree is refused", () => {
  for (const wrong of [0n, 1n, 0b111n, 1n << 54n, 1n << 900n])
    expect(() => rabinTables(wrong)).toThrow(expect.objectContaining({ code: "corrupt-data" }));
});
