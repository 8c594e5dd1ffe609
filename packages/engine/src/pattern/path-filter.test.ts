import { expect, test } from "vitest";
import { everything, excludeFilter, includeFilter } from "./path-filter.ts";
import { parsePatterns } from "./pattern-list.ts";

test("an include filter selects what matches, and goes into directories on the way", () => {
  const filter = includeFilter(parsePatterns(["/home/ada/*.txt"]));
  expect(filter.includes("/home", true)).toEqual({ selected: false, childMayMatch: true });
  expect(filter.includes("/home/ada/a.txt", false)).toEqual({ selected: true, childMayMatch: false });
  expect(filter.includes("/home/ada/a.txt/below", true)).toEqual({ selected: true, childMayMatch: true });
  expect(filter.includes("/etc", true)).toEqual({ selected: false, childMayMatch: false });
});

test("an include filter of several lists selects what any of them matches", () => {
  const filter = includeFilter(parsePatterns(["/a"]), parsePatterns(["/B"], { caseInsensitive: true }));
  expect(filter.includes("/a", false).selected).toBe(true);
  expect(filter.includes("/b", false).selected).toBe(true);
  expect(filter.includes("/A", false).selected).toBe(false);
});

test("an exclude filter leaves out what matches and does not go there", () => {
  const filter = excludeFilter(parsePatterns(["*.tmp", "!keep.tmp"]));
  expect(filter.includes("/a", true)).toEqual({ selected: true, childMayMatch: true });
  expect(filter.includes("/a/x.tmp", true)).toEqual({ selected: false, childMayMatch: false });
  expect(filter.includes("/a/keep.tmp", false)).toEqual({ selected: true, childMayMatch: false });
});

test("a ! of one list does not take back what another list excludes", () => {
  const filter = excludeFilter(parsePatterns(["*.tmp"]), parsePatterns(["!x.tmp"]));
  expect(filter.includes("/x.tmp", false).selected).toBe(false);
});

test("without a filter everything is selected", () => {
  expect(everything.includes("/a", true)).toEqual({ selected: true, childMayMatch: true });
  expect(everything.includes("/a", false)).toEqual({ selected: true, childMayMatch: false });
});
