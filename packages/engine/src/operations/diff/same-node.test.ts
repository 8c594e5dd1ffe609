import { expect, test } from "vitest";
import { parseBlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import { sampleNode } from "../../platform/testing/sample-node.ts";
import { sameButContent, sameContent, sameNode } from "./same-node.ts";

const id = (digit: string) => parseBlobId(digit.repeat(64));
const attribute = (name: string, value: string) => ({ name, value: new TextEncoder().encode(value) });

const node = sampleNode({
  name: "file",
  type: "file",
  content: [id("a"), id("b")],
  extendedAttributes: [attribute("user.a", "1"), attribute("user.b", "2")],
  genericAttributes: new Map([["windows.file_attributes", "32"]]),
});

test("an entry is the same as itself, whatever the order of its attributes", () => {
  expect(sameNode(node, { ...node, content: [...(node.content ?? [])] })).toBe(true);
  expect(sameNode(node, { ...node, extendedAttributes: node.extendedAttributes.toReversed() })).toBe(true);
});

const others: Partial<Node>[] = [
  { name: "other" },
  { type: "symlink" },
  { mode: 1 },
  { mtimeNs: 1n },
  { atimeNs: 1n },
  { ctimeNs: 1n },
  { uid: 77 },
  { gid: 77 },
  { user: "eve" },
  { group: "eve" },
  { inode: 77n },
  { deviceId: 77n },
  { size: 77 },
  { links: 77n },
  { linkTarget: "there" },
  { device: 77n },
  { subtree: id("c") },
  { extendedAttributes: [attribute("user.a", "1")] },
  { extendedAttributes: [attribute("user.a", "1"), attribute("user.b", "3")] },
  { extendedAttributes: [attribute("user.a", "1"), attribute("user.c", "2")] },
  { genericAttributes: new Map() },
  { genericAttributes: new Map([["windows.file_attributes", "33"]]) },
];

test.each(others.map((fields) => [Object.keys(fields).join(), fields] as const))(
  "another %s is noticed",
  (_, fields) => {
    expect(sameButContent(node, { ...node, ...fields })).toBe(false);
    expect(sameNode(node, { ...node, ...fields })).toBe(false);
  },
);

test.each([
  [[id("a")], false],
  [[id("b"), id("a")], false],
  [undefined, false],
  [[id("a"), id("b")], true],
])("content %j: the same %s", (content, same) => {
  expect(sameContent(node, { ...node, content })).toBe(same);
  expect(sameNode(node, { ...node, content })).toBe(same);
  expect(sameButContent(node, { ...node, content })).toBe(true);
});
