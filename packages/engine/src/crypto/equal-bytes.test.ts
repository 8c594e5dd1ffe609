import { expect, test } from "vitest";
import { equalBytes } from "./equal-bytes.ts";

test("only the same bytes in the same number are equal", () => {
  expect(equalBytes(Uint8Array.of(), Uint8Array.of())).toBe(true);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(equalBytes(Uint8Array.of(9, 2), Uint8Array.of(1, 2))).toBe(false);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
});
