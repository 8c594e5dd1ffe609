import { describe, expect, test } from "vitest";
import { measuredAt, median, sizeAt } from "./results.ts";
import { resultsWith } from "./testing.ts";

describe("medians", () => {
  test("the median is the one in the middle, whatever the order, or halfway between the two in the middle", () => {
    expect(median([5, 1, 100])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow(RangeError);
  });

  test("each figure has its own median, over the rounds of that tool at that work", () => {
    const results = resultsWith([
      { round: 1, wallSeconds: 9, cpuSeconds: 1, peakBytes: 5 },
      { round: 2, wallSeconds: 1, cpuSeconds: 2, peakBytes: 9 },
      { round: 3, wallSeconds: 2, cpuSeconds: 3, peakBytes: 1 },
      { tool: "restic", wallSeconds: 1000 },
      { work: "restore", wallSeconds: 1000 },
      { scene: "tiny", wallSeconds: 1000 },
    ]);
    const place = { scene: "source", work: "full", tool: "SaveOS" } as const;
    expect(measuredAt(results, place)).toEqual({ wallSeconds: 2, cpuSeconds: 2, peakBytes: 5 });
    expect(measuredAt(results, { ...place, tool: "borg" })).toBeUndefined();
  });

  test("a tool that was not measured has no repository size", () => {
    const results = resultsWith([], { SaveOS: 100 });
    expect(sizeAt(results, { scene: "source", tool: "SaveOS" })).toBe(100);
    expect(sizeAt(results, { scene: "source", tool: "borg" })).toBeUndefined();
  });
});
