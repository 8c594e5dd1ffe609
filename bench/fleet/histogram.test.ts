import { expect, test } from "vitest";
import { histogram } from "./histogram.ts";

test("each value counts in the step that it lies in, its beginning included and its end not", () => {
  expect(histogram([0, 9.9, 10, 25, 29], { from: 0, to: 30, step: 10 })).toEqual([
    { from: 0, count: 2 },
    { from: 10, count: 1 },
    { from: 20, count: 2 },
  ]);
});

test("what lies before or behind counts nowhere", () => {
  expect(histogram([-1, 30, 100], { from: 0, to: 30, step: 15 })).toEqual([
    { from: 0, count: 0 },
    { from: 15, count: 0 },
  ]);
});
