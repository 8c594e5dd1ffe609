import { expect, test } from "vitest";
import { parseCalendarSpan } from "./calendar-span.ts";
import { describePolicy, isEmptyPolicy, type Policy, requireSensible } from "./policy.ts";

test.each<[Policy, string]>([
  [{}, ""],
  [{ last: 0, counts: { daily: 0 }, within: parseCalendarSpan("0d"), tagLists: [] }, ""],
  [{ last: 1, counts: { weekly: "unlimited" } }, "1 latest, all weekly snapshots"],
  [
    {
      last: 1,
      periodsWithin: { daily: parseCalendarSpan("2y1m") },
      tagLists: [["x", "y"], [""]],
      within: parseCalendarSpan("4d"),
    },
    "1 latest snapshots, daily snapshots within 2y1m and all snapshots with tags [[x, y] []] and all snapshots within 4d of the newest",
  ],
])("%j is described as restic does", (policy, text) => {
  expect(describePolicy(policy)).toBe(text);
  expect(isEmptyPolicy(policy)).toBe(text === "");
});

test.each([-1, 1.5, Number.NaN, Infinity])("%d is no count", (count) => {
  expect(() => requireSensible({ counts: { daily: count } })).toThrow(
    expect.objectContaining({ code: "invalid-input" }),
  );
});
