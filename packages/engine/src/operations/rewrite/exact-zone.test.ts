import * as fc from "fast-check";
import { expect, test } from "vitest";
import { anyTree } from "../../platform/testing/any-tree.ts";
import { exactZone } from "./exact-zone.ts";
import { decodeTree, encodeTree } from "../../format/tree.ts";
import { localZone, utcZone, type Zone } from "../../format/time.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const zones: readonly Zone[] = [
  utcZone,
  localZone,
  () => 7200,
  () => -12_600,
  (second) => (second % 2 === 0 ? 0 : 3600),
];

test("every tree that we write is written again as it stands, whatever clocks showed", () => {
  fc.assert(
    fc.property(anyTree, fc.constantFrom(...zones), (nodes, zone) => {
      const bytes = encodeTree(nodes, zone);
      const read = decodeTree(bytes);
      const found = exactZone(bytes, read);
      expect(found && encodeTree(read, found)).toEqual(bytes);
    }),
  );
});

const entry = `{"name":"a","type":"file","mode":420,"mtime":"2024-01-01T00:00:00Z","atime":"2024-01-01T00:00:00Z","ctime":"2024-01-01T00:00:00Z","uid":0,"gid":0,"content":[]}`;
const link = `{"name":"a","type":"symlink","mode":134218239,"mtime":"2024-01-01T00:00:00Z","atime":"2024-01-01T00:00:00Z","ctime":"2024-01-01T00:00:00Z","uid":0,"gid":0,"linktarget":"TARGET","content":null}`;

test.each([
  ["a key that nobody knows", entry.replace(`"uid":0`, `"uid":0,"label":"x"`)],
  ["keys in another order", entry.replace(`"uid":0,"gid":0`, `"gid":0,"uid":0`)],
  ["a number that is left out when it is 0", entry.replace(`"content"`, `"size":0,"content"`)],
  ["a space", entry.replace(`"uid":0`, `"uid": 0`)],
  ["zeros at the end of a fraction", entry.replace("00:00:00Z", "00:00:00.10Z")],
  ["UTC as +00:00", entry.replace("00:00:00Z", "00:00:00+00:00")],
  ["two zones at one moment", entry.replace("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00")],
  ["a name with an escape that it does not need", entry.replace(`"a"`, String.raw`"\u0061"`)],
  // What restic before 0.16 wrote for a target that is not UTF-8.
  ["a link's target with an escape", link.replace("TARGET", String.raw`\ufffd`)],
])("%s would not be written again", (_, json) => {
  const bytes = bytesOf(`{"nodes":[${json}]}\n`);
  expect(exactZone(bytes, decodeTree(bytes))).toBeUndefined();
});

test.each([
  ["something behind the entries", `{"nodes":[${entry}],"more":1}\n`],
  ["no line feed at the end", `{"nodes":[${entry}]}`],
  ["a name twice", `{"nodes":[${entry},${entry}]}\n`],
])("a tree with %s would not be written again", (_, text) => {
  const bytes = bytesOf(text);
  expect(exactZone(bytes, decodeTree(bytes))).toBeUndefined();
});

test("what is written in this test is otherwise exact", () => {
  for (const json of [entry, link.replace("TARGET", "x")]) {
    const bytes = bytesOf(`{"nodes":[${json}]}\n`);
    expect(exactZone(bytes, decodeTree(bytes))).toBeDefined();
  }
});
