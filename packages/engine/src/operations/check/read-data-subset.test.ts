import { expect, test } from "vitest";
import { parseObjectId } from "../../format/ids.ts";
import { nodePrimitives } from "../../platform/node/primitives.ts";
import { parseReadDataSubset, selectPacks } from "./read-data-subset.ts";

const packs = Array.from({ length: 20 }, (_, i) => ({
  pack: parseObjectId((i * 12).toString(16).padStart(2, "0").repeat(32)),
  sizeBytes: 1000,
}));

test.each([
  ["1/5", { kind: "group", n: 1, t: 5 }],
  ["2.5%", { kind: "percent", percent: 2.5 }],
  ["500M", { kind: "bytes", bytes: 500 * 1024 * 1024 }],
  ["10", { kind: "bytes", bytes: 10 }],
])("%s is a part of the data", (text, subset) => {
  expect(parseReadDataSubset(text)).toEqual(subset);
});

test.each(["", "0/5", "6/5", "1/257", "0%", "101%", "-1", "five", "1/", "0"])("%j is refused", (text) => {
  expect(() => parseReadDataSubset(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
});

test("all groups together are all packs, and no pack is in two", () => {
  const selected = [1, 2, 3].flatMap((n) => select({ kind: "group", n, t: 3 }).map(({ pack }) => pack));
  expect(selected.toSorted()).toEqual(packs.map(({ pack }) => pack).toSorted());
});

test("a share and a size choose about so much, and at least one pack", () => {
  expect(select({ kind: "percent", percent: 25 })).toHaveLength(5);
  expect(select({ kind: "percent", percent: 0.1 })).toHaveLength(1);
  expect(select({ kind: "bytes", bytes: 3500 })).toHaveLength(3);
  expect(select({ kind: "bytes", bytes: 1 })).toHaveLength(1);
});

function select(subset: Parameters<typeof selectPacks>[1]) {
  return selectPacks(packs, subset, nodePrimitives.randomBytes);
}
