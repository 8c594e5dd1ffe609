import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isPrintable } from "./printable-ranges-15.ts";

test("every code point is printable exactly where Unicode 15.0 as Go has it says so", () => {
  const url = new URL("../../vectors/isprint-unicode15.0.json", import.meta.url);
  const ranges = JSON.parse(readFileSync(url, "utf8")) as [number, number][];
  const expected = new Uint8Array(0x110000);
  for (const [first, last] of ranges) expected.fill(1, first, last + 1);
  const wrong = [...expected.keys()].filter((codePoint) => isPrintable(codePoint) !== (expected[codePoint] === 1));
  expect(wrong).toEqual([]);
});
