import { expect, test } from "vitest";
import { spreadOf } from "./percentiles.ts";

test("of a hundred times the 99th percentile is the one before the last, whatever their order", () => {
  const times = Array.from({ length: 100 }, (_, place) => 100 - place);
  expect(spreadOf(times)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
});

test("a percentile is a time that was measured", () => {
  expect(spreadOf([1, 1000])).toEqual({ count: 2, p50: 1, p95: 1000, p99: 1000, max: 1000 });
  expect(spreadOf([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
});

test("nothing is said about no times", () => {
  expect(spreadOf([])).toBeUndefined();
});

test("the times that are given stay in their order", () => {
  const times = [3, 1, 2];
  spreadOf(times);
  expect(times).toEqual([3, 1, 2]);
});
