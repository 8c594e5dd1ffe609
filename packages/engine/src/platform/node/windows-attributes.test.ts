import { expect, test } from "vitest";
import { fileTime, windowsAttributes } from "./windows-attributes.ts";

test("a FILETIME counts 100 ns from 1601 and is written in halves", () => {
  expect(fileTime(0n)).toBe('{"LowDateTime":3577643008,"HighDateTime":27111902}');
  expect(fileTime(1_700_000_000_000_000_100n)).toBe(halves(133_444_736_000_000_001n));
  expect(fileTime(-11_644_473_600_000_000_000n)).toBe('{"LowDateTime":0,"HighDateTime":0}');
});

test("a volume's root and alternate streams have no attributes", () => {
  expect(windowsAttributes("C:/", 0n).size).toBe(0);
  expect(windowsAttributes("C:", 0n).size).toBe(0);
  expect(windowsAttributes("C:/a.txt:stream", 0n).size).toBe(0);
});

function halves(steps: bigint): string {
  return `{"LowDateTime":${steps % 2n ** 32n},"HighDateTime":${steps / 2n ** 32n}}`;
}
