import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { anyTree } from "../platform/testing/any-tree.ts";
import { EngineError } from "../errors/engine-error.ts";
import { parseBlobId } from "./ids.ts";
import type { Node } from "./node.ts";
import { parseTime, utcZone, type Zone } from "./time.ts";
import { assertTreeOrder, decodeTree, encodeTree } from "./tree.ts";

const golden = new Uint8Array(readFileSync(new URL("../../vectors/golden-tree.json", import.meta.url)));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const someId = parseBlobId("ab".repeat(32));

function nodeOf(changes: Partial<Node>): Node {
  return {
    name: "notes.txt",
    type: "file",
    mode: 0o644,
    mtimeNs: 0n,
    atimeNs: 0n,
    ctimeNs: 0n,
    uid: 0,
    gid: 0,
    user: "",
    group: "",
    inode: 0n,
    deviceId: 0n,
    size: 0,
    links: 0n,
    linkTarget: "",
    extendedAttributes: [],
    genericAttributes: new Map(),
    device: 0n,
    content: [],
    subtree: undefined,
    ...changes,
  };
}

/** A tree with one entry, whose JSON has these members after those that every entry has. */
function treeWith(members: string): Uint8Array {
  const times = ["mtime", "atime", "ctime"].map((key) => `"${key}":"2023-11-14T22:13:20Z"`).join(",");
  return bytesOf(`{"nodes":[{"name":"a","type":"file",${times},"uid":0,"gid":0,"content":[]${members}}]}\n`);
}

test("the golden tree is read and written again to the byte", () => {
  const written = encodeTree(decodeTree(golden), utcZone);
  expect(textOf(written)).toBe(textOf(golden));
  expect(sha256(written)).toBe("6983f2fe46409858db5484f851c2f15fa16002f415f566f352d097d68b015959");
});

test("the golden tree's values are those that Go had", () => {
  const [file, device, directory, empty, link, windows] = decodeTree(golden);
  expect(file).toMatchObject({
    name: "a&b",
    mtimeNs: 1_700_000_000_123_456_789n,
    ctimeNs: 1_700_000_001_000_000_000n,
    group: "gr<p>",
    inode: 2n ** 64n - 1n,
    content: ["5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"],
  });
  expect(device).toMatchObject({ type: "dev", device: 2049n, content: undefined });
  expect(directory?.extendedAttributes).toEqual([
    { name: "user.x", value: Uint8Array.of(0, 1, 255) },
    { name: "user.empty", value: new Uint8Array(0) },
    { name: "user.nil", value: new Uint8Array(0), valueIsNull: true },
  ]);
  expect(directory?.subtree).toMatch(/^ac08ce34/);
  expect(empty?.content).toEqual([]);
  expect(link?.linkTarget).toBe("x\u2028<\udcff");
  expect([...(windows?.genericAttributes ?? [])]).toEqual([
    ["windows.creation_time", '{"LowDateTime":1,"HighDateTime":31000000}'],
    ["windows.file_attributes", "32"],
    ["windows.security_descriptor", '"AQAEgA=="'],
  ]);
});

test("an empty directory has restic's bytes and ID", () => {
  const written = encodeTree([], utcZone);
  expect(textOf(written)).toBe('{"nodes":[]}\n');
  expect(sha256(written)).toBe("ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8");
});

test("every tree that stock restic wrote is written again to the byte, given the zone of its times", () => {
  const url = new URL("../../vectors/saveos-v2-restic0.14.trees.json", import.meta.url);
  const trees = Object.entries(JSON.parse(readFileSync(url, "utf8")) as Record<string, string>);
  expect(trees.length).toBeGreaterThan(0);
  for (const [id, text] of trees) {
    const written = encodeTree(decodeTree(bytesOf(text)), zoneOfTimesIn(text));
    expect(textOf(written)).toBe(text);
    expect(sha256(written)).toBe(id);
  }
});

/** The offsets that the times of a text have. */
function zoneOfTimesIn(text: string): Zone {
  const offsets = new Map<number, number>();
  for (const [time, hours = "0"] of text.matchAll(/\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|([+-]\d\d):00)/g)) {
    offsets.set(Math.floor(Number(parseTime(time) / 1_000_000_000n)), Number(hours) * 3600);
  }
  return (epochSeconds) => offsets.get(epochSeconds) ?? Number.NaN;
}

test("any tree is read as it was written, in any zone", () => {
  fc.assert(
    fc.property(anyTree, fc.integer({ min: -18 * 60, max: 18 * 60 }), (nodes, zoneMinutes) => {
      const zone = () => zoneMinutes * 60;
      const written = encodeTree(nodes, zone);
      const read = decodeTree(written);
      expect(read).toEqual(nodes);
      expect(textOf(encodeTree(read, zone))).toBe(textOf(written));
    }),
  );
});

test("a damaged tree is corrupt data or another tree, never a crash", () => {
  fc.assert(
    fc.property(fc.nat({ max: golden.length - 1 }), fc.nat({ max: 255 }), fc.boolean(), (at, byte, truncated) => {
      const damaged = truncated ? golden.slice(0, at) : golden.with(at, byte);
      try {
        decodeTree(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
        expect((error as EngineError).code).toBe("corrupt-data");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a large directory with text of all lengths of UTF-8 is written whole", () => {
  const nodes = Array.from({ length: 5000 }, (_, index) =>
    nodeOf({ name: `${String(index).padStart(5, "0")}-é漢😀\udcff` }),
  );
  expect(decodeTree(encodeTree(nodes, utcZone))).toEqual(nodes);
});

test.each([
  ["empty", ""],
  ["this directory", "."],
  ["the parent directory", ".."],
  ["a path", "../../etc/passwd"],
  ["absolute", "/etc"],
  ["a path spelt by escapes", "\\\\x2e\\\\x2e\\\\x2fetc"],
  ["the parent spelt by escapes", "\\\\056."],
  ["ended early", "a\\\\x00b"],
])("a name that is %s is refused", (_what, name) => {
  const tree = textOf(treeWith("")).replace('"name":"a"', `"name":"${name}"`);
  expect(() => decodeTree(bytesOf(tree))).toThrow("no name inside a directory");
});

test("such names are never written either", () => {
  expect(() => encodeTree([nodeOf({ name: "a/b" })], utcZone)).toThrow("a name of its own");
});

test.each([
  ["nothing", ""],
  ["no object", "[]\n"],
  ["something after the end", '{"nodes":[]}\n{}'],
  ["an entry without a name", '{"nodes":[{"type":"file"}]}'],
  ["an entry that is null", '{"nodes":[null]}'],
  ["a name with a bad escape", textOf(treeWith("")).replace('"a"', '"\\\\q"')],
  ["a size beyond 2^53", textOf(treeWith(',"size":9007199254740993'))],
  ["an inode beyond 64 bits", textOf(treeWith(',"inode":18446744073709551616'))],
  ["a negative size", textOf(treeWith(',"size":-1'))],
  ["a user of more than 32 bits", textOf(treeWith(',"uid":4294967296'))],
  ["a mode that is text", textOf(treeWith(',"mode":"0644"'))],
  ["a blob id in capitals", textOf(treeWith(`,"content":["${"AB".repeat(32)}"]`))],
  ["a blob id that is null", textOf(treeWith(',"content":[null]'))],
  ["a subtree that is no id", textOf(treeWith(',"subtree":"../x"'))],
  ["a time that is none", textOf(treeWith(',"mtime":"yesterday"'))],
  ["an attribute that is no base64", textOf(treeWith(',"extended_attributes":[{"name":"user.x","value":"*"}]'))],
])("a tree with %s is corrupt data", (_what, text) => {
  expect(() => decodeTree(bytesOf(text))).toThrow(EngineError);
});

test("keys that SaveOS does not know are skipped, in the tree and in its entries", () => {
  const text = textOf(treeWith(',"future":{"deep":[1,{"x":"]}"}]},"__proto__":{"mode":7},"size":3'));
  const [node] = decodeTree(bytesOf(text.replace('{"nodes"', '{"before":[],"nodes"').replace("]}\n", '],"after":1}')));
  expect(node).toMatchObject({ name: "a", size: 3, mode: 0 });
});

test("a file whose content is null is kept apart from an empty file", () => {
  expect(decodeTree(treeWith(',"content":null'))[0]?.content).toEqual([]);
  const damaged = textOf(treeWith("")).replace('"content":[]', '"content":null');
  expect(decodeTree(bytesOf(damaged))[0]?.content).toBeUndefined();
});

test("what only files or directories have is not taken from others", () => {
  const text = textOf(treeWith(`,"content":["${someId}"],"subtree":"${someId}"`));
  expect(decodeTree(bytesOf(text))[0]).toMatchObject({ content: [someId], subtree: undefined });
  const directory = bytesOf(text.replace('"file"', '"dir"'));
  expect(decodeTree(directory)[0]).toMatchObject({ content: undefined, subtree: someId });
});

test("an entry of an unknown type leaves its neighbours readable and says what it is", () => {
  const text = textOf(encodeTree([nodeOf({ name: "a" }), nodeOf({ name: "b" })], utcZone)).replace(
    '"file"',
    '"whiteout"',
  );
  const [unknown, file] = decodeTree(bytesOf(text));
  expect(unknown).toMatchObject({ name: "a", type: "unknown", unknownType: "whiteout" });
  expect(file).toMatchObject({ name: "b", type: "file" });
  expect(textOf(encodeTree(decodeTree(bytesOf(text)), utcZone))).toBe(text);
});

test("an old link target that had lost its bytes is read as the text that is there", () => {
  expect(decodeTree(treeWith(',"linktarget":"x\\ufffd"'))[0]?.linkTarget).toBe("x\ufffd");
});

test("platform attributes are written in the order of their keys, whatever order they came in", () => {
  const genericAttributes = new Map([
    ["windows.file_attributes", "32"],
    ["windows.creation_time", "{}"],
  ]);
  expect(textOf(encodeTree([nodeOf({ genericAttributes })], utcZone))).toContain(
    '"generic_attributes":{"windows.creation_time":{},"windows.file_attributes":32}',
  );
});

test("names must ascend by their bytes, when written and when checked", () => {
  const [a, b] = [nodeOf({ name: "a" }), nodeOf({ name: "b" })];
  expect(() => encodeTree([b, a], utcZone)).toThrow('"a" after "b"');
  expect(() => encodeTree([a, a], utcZone)).toThrow('two entries named "a"');
  expect(() => assertTreeOrder([nodeOf({ name: "\u{1f600}" }), nodeOf({ name: "\ufffd" })])).toThrow("out of order");
  expect(() => assertTreeOrder([nodeOf({ name: "\ufffd" }), nodeOf({ name: "\u{1f600}" })])).not.toThrow();
});

test("a tree in another order is read as it is, so that it can be restored and reported", () => {
  const entry = textOf(encodeTree([nodeOf({ name: "b" })], utcZone)).slice('{"nodes":['.length, -"]}\n".length);
  const nodes = decodeTree(bytesOf(`{"nodes":[${entry},${entry.replace('"b"', '"a"')},${entry}]}`));
  expect(nodes.map(({ name }) => name)).toEqual(["b", "a", "b"]);
  expect(() => assertTreeOrder(nodes)).toThrow(EngineError);
});
