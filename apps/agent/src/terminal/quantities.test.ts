import { expect, test } from "vitest";
import { formatBytes, formatCount, formatDuration, plural } from "./quantities.ts";

test("bytes are shown with three significant digits in binary units", () => {
  expect([0, 5, 999, 1000, 1024, 300_000, 10 * 1024, 1024 ** 2 - 1, 1.5 * 1024 ** 3].map(formatBytes)).toEqual([
    "0 B",
    "5 B",
    "999 B",
    "0.98 KiB",
    "1.00 KiB",
    "293 KiB",
    "10.0 KiB",
    "1.00 MiB",
    "1.50 GiB",
  ]);
});

test("the largest file there can be still has a unit", () => {
  expect(formatBytes(2 ** 63)).toBe("8.00 EiB");
});

test("durations read like a clock", () => {
  expect([0, 7.9, 61, 3599, 3723, -1].map(formatDuration)).toEqual([
    "0:00",
    "0:07",
    "1:01",
    "59:59",
    "1:02:03",
    "0:00",
  ]);
});

test("counts are readable and agree with their noun", () => {
  expect(formatCount(1_204_000)).toBe("1,204,000");
  expect([plural(1, "file"), plural(2, "file"), plural(0, "match", "matches")]).toEqual([
    "1 file",
    "2 files",
    "0 matches",
  ]);
});
