import { expect, test } from "vitest";
import { fitLine, valueAt } from "./straight-line.ts";

test("points on a line give that line, and nothing misses it", () => {
  const line = fitLine([1000, 3000, 10_000].map((x) => ({ x, y: 150 + 0.06 * x })));
  expect(line?.base).toBeCloseTo(150);
  expect(line?.slope).toBeCloseTo(0.06);
  expect(line?.worstMiss).toBeCloseTo(0);
  expect(line && valueAt(line, 100_000)).toBeCloseTo(6150);
});

test("a curve is told by how far it misses the line", () => {
  const line = fitLine([1, 2, 3].map((x) => ({ x, y: x ** 2 })));
  expect(line?.slope).toBeCloseTo(4);
  expect(line?.worstMiss).toBeGreaterThan(0.3);
});

test("one size says nothing about another", () => {
  expect(fitLine([{ x: 1000, y: 200 }])).toBeUndefined();
  expect(fitLine([])).toBeUndefined();
});
