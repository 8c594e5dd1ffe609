import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sampleNode } from "../platform/testing/sample-node.ts";
import { EntryTable, isSameEntry } from "./entry-table.ts";
import { addEntry, addUnknownEntry, type EntryFacts } from "./entry-words.ts";
import { goModeFromPosix } from "./file-mode.ts";
import { compareNames, encodeName } from "./names.ts";

const names = fc
  .uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), { maxLength: 100 })
  .map((list) => list.map((name) => name.toWellFormed()));

function tableOf(...entries: (Partial<EntryFacts> & { readonly name?: string })[]): EntryTable {
  const table = new EntryTable();
  for (const { name = "a", ...facts } of entries) addEntry(table, name, { ...sampleNode({ name }), ...facts });
  return table;
}

test("names come back as they were added, however many there are", () => {
  fc.assert(
    fc.property(names, (given) => {
      const table = tableOf(...given.map((name) => ({ name })));
      expect(Array.from(given, (_, row) => table.name(row))).toEqual(given);
    }),
  );
});

test("a name is found among names in their order, and no other", () => {
  fc.assert(
    fc.property(names, fc.string({ unit: "binary", maxLength: 3 }), (given, text) => {
      const sorted = [...new Set(given)].sort(compareNames);
      const table = tableOf(...sorted.map((name) => ({ name })));
      for (const [row, name] of sorted.entries()) expect(table.find(encodeName(name))).toBe(row);
      const other = text.toWellFormed();
      expect(table.find(encodeName(other))).toBe(sorted.indexOf(other));
    }),
  );
});

test("sizes, types and devices come back", () => {
  const table = tableOf(
    { size: 2 ** 53 - 1, deviceId: 2n ** 64n - 1n },
    { mode: goModeFromPosix(0o040755) },
    { mode: goModeFromPosix(0o020600), deviceId: 2049n },
  );
  addUnknownEntry(table, "closed");
  expect([0, 1, 2, 3].map((row) => table.type(row))).toEqual(["file", "dir", "chardev", "other"]);
  expect([table.size(0), table.deviceId(0), table.deviceId(2)]).toEqual([2 ** 53 - 1, 2n ** 64n - 1n, 2049n]);
});

test("an entry that differs in anything but its name is not the same", () => {
  const facts = { ...sampleNode({ name: "a" }), user: "ada", group: "staff", size: 5, inode: 7n, links: 1n };
  const changes: Partial<EntryFacts>[] = [
    { mode: 0o600 },
    { uid: 1 },
    { gid: 1 },
    { user: "bob" },
    { group: "" },
    { links: 2n },
    { inode: 7n + 2n ** 32n },
    { deviceId: 2n ** 63n },
    { size: 5 + 2 ** 32 },
    { size: 6 },
    { mtimeNs: facts.mtimeNs + 1n },
    { atimeNs: facts.atimeNs - 2n ** 32n * 1_000_000_000n },
    { ctimeNs: -facts.ctimeNs },
  ];
  const table = tableOf(facts, ...changes.map((change) => ({ ...facts, ...change })));
  const again = tableOf({ ...facts, name: "other", user: "bob" }, { ...facts, name: "b" });
  expect(isSameEntry(table, 0, again, 1)).toBe(true);
  for (const [at, change] of changes.entries())
    expect(isSameEntry(table, at + 1, again, 1), Object.keys(change).join()).toBe(false);
});

test("of anything but a file the size does not count: a node has none", () => {
  const mode = goModeFromPosix(0o120777);
  expect(isSameEntry(tableOf({ mode, size: 9 }), 0, tableOf({ mode, size: 0 }), 0)).toBe(true);
});

test("a table that is used again knows nothing of what was in it", () => {
  const table = tableOf(...Array.from({ length: 20_000 }, (_, at) => ({ name: `old-${at}`, user: "old" })));
  table.clear();
  expect(table.count).toBe(0);
  addEntry(table, "new", { ...sampleNode({ name: "new" }), user: "ada" });
  expect([table.count, table.name(0)]).toEqual([1, "new"]);
  expect(isSameEntry(table, 0, tableOf({ user: "ada" }), 0)).toBe(true);
});
