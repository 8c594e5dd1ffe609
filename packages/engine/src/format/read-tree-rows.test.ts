import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { anyRealTree, anyTree } from "../platform/testing/any-tree.ts";
import { sampleNode } from "../platform/testing/sample-node.ts";
import { EntryTable, isSameEntry } from "./entry-table.ts";
import { addEntry } from "./entry-words.ts";
import { modeDirectory } from "./file-mode.ts";
import { compareNames } from "./names.ts";
import type { Node } from "./node.ts";
import { utcZone } from "./time.ts";
import { idWords, rowId } from "./index-rows.ts";
import { readTreeRows } from "./read-tree-rows.ts";
import { idAt, putIdWords, type TreeRows } from "./tree-rows.ts";
import { decodeTree, encodeTree, TreeBuilder } from "./tree.ts";

const vectors = new URL("../../vectors/", import.meta.url);
const golden = new Uint8Array(readFileSync(new URL("golden-tree.json", vectors)));
const ofRestic = JSON.parse(readFileSync(new URL("saveos-v2-restic0.14.trees.json", vectors), "utf8")) as Record<
  string,
  string
>;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const anyZone = fc.integer({ min: -18 * 60, max: 18 * 60 }).map((minutes) => () => minutes * 60);

const idWordsRoom = new Uint32Array(idWords);

/** Rows must say what the nodes say, which `decodeTree` made. */
function expectRowsOf(rows: TreeRows | undefined, nodes: readonly Node[]): void {
  expect(rows?.count).toBe(nodes.length);
  const facts = new EntryTable();
  for (const [row, node] of nodes.entries()) {
    addEntry(facts, node.name, node);
    expect(rows!.entries.name(row)).toBe(node.name);
    expect(isSameEntry(rows!.entries, row, facts, row), node.name).toBe(true);
    expect(rows!.entries.type(row)).toBe(node.type);
    expect(rows!.node(row)).toEqual(node);
    const hasRare = node.extendedAttributes.length > 0 || node.genericAttributes.size > 0 || node.linkTarget !== "";
    expect(rows!.isRare(row), node.name).toBe(hasRare || node.device !== 0n);
    expect(rows!.subtree(row)).toBe(node.subtree);
    expect(rows!.contentCount(row)).toBe(node.content?.length);
    for (const [number, id] of (node.content ?? []).entries()) {
      expect(idAt(rows!.bytes, rows!.contentIdAt(row, number))).toBe(id);
      putIdWords(rows!.bytes, rows!.contentIdAt(row, number), idWordsRoom);
      expect(rowId(idWordsRoom, 0)).toBe(id);
    }
  }
}

test("any tree that we write is read as rows that say the same as its nodes", () => {
  fc.assert(
    fc.property(anyRealTree, anyZone, (nodes, zone) => {
      expectRowsOf(readTreeRows(encodeTree(nodes, zone)), nodes);
    }),
    { numRuns: 300 },
  );
});

test("every tree that stock restic wrote is read as rows", () => {
  for (const bytes of [golden, ...Object.values(ofRestic).map(bytesOf)])
    expectRowsOf(readTreeRows(bytes), decodeTree(bytes));
});

test("entries that are copied as they stand make the same tree", () => {
  fc.assert(
    fc.property(anyRealTree, anyZone, (nodes, zone) => {
      const written = encodeTree(nodes, zone);
      const rows = readTreeRows(written)!;
      const copy = new TreeBuilder(utcZone);
      for (let row = 0; row < rows.count; row += 1) copy.addEncoded(written.subarray(rows.start(row), rows.end(row)));
      expect(copy.finish()).toEqual(written);
    }),
  );
});

test("what is read as rows, damaged or forged, is a tree with the same meaning, in its order", () => {
  const treeBytes = fc.oneof(
    fc.constant(golden),
    fc.oneof(anyRealTree, anyTree).map((nodes) => encodeTree(nodes, utcZone)),
  );
  const damage = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), isCut: fc.boolean() });
  fc.assert(
    fc.property(treeBytes, damage, (bytes, { at, byte, isCut }) => {
      const damaged = isCut ? bytes.slice(0, at % bytes.length) : bytes.with(at % bytes.length, byte);
      const rows = readTreeRows(damaged);
      if (!rows) return;
      const nodes = decodeTree(damaged);
      expect(nodes.map(({ name }) => name)).toEqual(nodes.map(({ name }) => name).toSorted(compareNames));
      expectRowsOf(rows, nodes);
    }),
    { numRuns: 500 },
  );
});

const times = ["mtime", "atime", "ctime"].map((key) => `"${key}":"2023-11-14T22:13:20Z"`).join(",");
const treeOf = (...entries: string[]) => bytesOf(`{"nodes":[${entries.join(",")}]}\n`);
const entry = (name: string, rest = '"content":[]', type = '"file"') =>
  `{"name":"${name}","type":${type},${times},"uid":0,"gid":0,${rest}}`;

test("a tree with anything that we would not write just so is left to the general reader", () => {
  expect(readTreeRows(treeOf(entry("a"), entry("b")))?.count).toBe(2);
  const others: Record<string, Uint8Array> = {
    "out of order": treeOf(entry("b"), entry("a")),
    "a name twice": treeOf(entry("a"), entry("a")),
    "a key that we don't know": treeOf(entry("a", '"future":1,"content":[]')),
    "keys in another order": treeOf(entry("a", '"content":[],"subtree":null')),
    "white space": bytesOf('{"nodes": []}\n'),
    "no line feed at the end": bytesOf('{"nodes":[]}'),
    "something after the end": bytesOf('{"nodes":[]}\n\n'),
    "an unknown type": treeOf(entry("a", '"content":[]', '"whiteout"')),
    "a type that the mode does not show": treeOf(entry("a", '"content":null', '"dir"')),
    "a time that there is not": treeOf(entry("a").replace("2023-11-14", "2023-02-30")),
    "a zone that there is not": treeOf(entry("a").replaceAll("20Z", "20+24:00")),
    "more than nanoseconds": treeOf(entry("a").replace("20Z", "20.0123456789Z")),
    "content of a link": treeOf(`{"name":"a","type":"symlink","mode":134218239,${times},"uid":0,"gid":0,"content":[]}`),
  };
  for (const [what, bytes] of Object.entries(others)) expect(readTreeRows(bytes), what).toBeUndefined();
  for (const name of ["", ".", "..", "a/b", "a\\u0000", "\\\\x00", "\\\\x2f", 'a\\"'])
    expect(readTreeRows(treeOf(entry(name))), name).toBeUndefined();
});

test("a file without a list of contents has none, unlike an empty file", () => {
  const rows = readTreeRows(treeOf(entry("a"), entry("b", '"content":null')));
  expect([rows?.contentCount(0), rows?.contentCount(1)]).toEqual([0, undefined]);
});

test("rows are found by their names", () => {
  const nodes = ["a", "b&c", "é", "line\nfeed", "\udcff"].map((name) => sampleNode({ name, content: [] }));
  const directory = sampleNode({ name: "d", type: "dir", mode: modeDirectory });
  const sorted = [...nodes, directory].sort((a, b) => compareNames(a.name, b.name));
  const rows = readTreeRows(encodeTree(sorted, utcZone))!;
  expect(sorted.map(({ name }) => rows.entries.name(rows.find(name)))).toEqual(sorted.map(({ name }) => name));
  expect(rows.find("nope")).toBe(-1);
});
