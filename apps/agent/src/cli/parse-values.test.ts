import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import {
  collectTags,
  parseCount,
  parseDurationMs,
  parseGroupBy,
  parseKeepCount,
  parseSizeBytes,
  parseTimeNs,
} from "./parse-values.ts";

test("durations are written as Go writes them", () => {
  expect(["90s", "5m", "2h", "1h30m", "0.5s", "1d"].map(parseDurationMs)).toEqual([
    90_000, 300_000, 7_200_000, 5_400_000, 500, 86_400_000,
  ]);
});

test.each(["", "5", "m", "5 m", "-5m", "5mx"])("%j is no duration", (text) => {
  expect(() => parseDurationMs(text)).toThrow(InvalidArgumentError);
});

test("sizes are powers of 1024, in either case, as in restic", () => {
  expect(["500", "10k", "2M", "1g", "1T", "7b"].map(parseSizeBytes)).toEqual([
    500,
    10_240,
    2 * 1024 ** 2,
    1024 ** 3,
    1024 ** 4,
    7,
  ]);
});

test.each(["", "k", "1.5M", "9z", "-1", "99999999999T"])("%j is no size", (text) => {
  expect(() => parseSizeBytes(text)).toThrow(InvalidArgumentError);
});

test("a count outside its range is refused", () => {
  expect(parseCount(4, 128)("16")).toBe(16);
  for (const text of ["3", "129", "1e2", "x", "-5"])
    expect(() => parseCount(4, 128)(text)).toThrow(InvalidArgumentError);
});

test("tags given together must all match, tags given apart are alternatives", () => {
  expect(collectTags("c", collectTags("a,b"))).toEqual([["a", "b"], ["c"]]);
});

test("snapshots without any tag are asked for with an empty tag, as in restic", () => {
  expect(collectTags("")).toEqual([[""]]);
  expect(collectTags(" , ")).toEqual([[""]]);
});

test("spaces around tags don't belong to them", () => {
  expect(collectTags("a, b c ,,d")).toEqual([["a", "b c", "d"]]);
});

test("how many to keep is a whole number, or unlimited", () => {
  expect(["0", "7", "unlimited"].map(parseKeepCount)).toEqual([0, 7, "unlimited"]);
  for (const text of ["-1", "1.5", "", "all", "99999999999999999999"])
    expect(() => parseKeepCount(text), text).toThrow(InvalidArgumentError);
});

test("groups are made by host, paths and tags, in any choice", () => {
  expect(parseGroupBy("host,tags")).toEqual({ host: true, paths: false, tags: true });
  expect(parseGroupBy("")).toEqual({ host: false, paths: false, tags: false });
  expect(() => parseGroupBy("colour")).toThrow(InvalidArgumentError);
});

test("a time with a zone keeps its nanoseconds", () => {
  expect(parseTimeNs("2026-01-31T08:30:00.123456789+01:00")).toBe(1_769_844_600_123_456_789n);
});

test("a time without a zone is local", () => {
  expect(parseTimeNs("2026-01-31 08:30:00")).toBe(BigInt(new Date(2026, 0, 31, 8, 30).getTime()) * 1_000_000n);
  expect(parseTimeNs("2026-01-31")).toBe(BigInt(new Date(2026, 0, 31).getTime()) * 1_000_000n);
});

test.each(["zzz", "2026-13-01", "31.01.2026", "2026-01-31 25:00:00"])("%j is no time", (text) => {
  expect(() => parseTimeNs(text)).toThrow(InvalidArgumentError);
});
