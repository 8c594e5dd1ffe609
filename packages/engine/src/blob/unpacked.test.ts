import { expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { portablePrimitives } from "../crypto/portable-primitives.ts";
import { open, seal } from "../crypto/seal.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { openUnpacked, sealUnpacked } from "./unpacked.ts";

const key = generateMasterKey(nodePrimitives);
const json = new TextEncoder().encode(`{"packs":[${'{"id":1},'.repeat(50)}{}]}\n`);

test.each([1, 2] as const)("a file of a version %i repository comes back", (version) => {
  for (const writer of [nodePrimitives, portablePrimitives])
    for (const reader of [nodePrimitives, portablePrimitives])
      expect(openUnpacked(reader, key, version, sealUnpacked(writer, key, version, json))).toEqual(json);
});

test("version 1 holds the JSON itself, version 2 a mark and zstd", () => {
  expect(open(nodePrimitives, key, sealUnpacked(nodePrimitives, key, 1, json))).toEqual(json);
  const plain = open(nodePrimitives, key, sealUnpacked(nodePrimitives, key, 2, json));
  expect(plain.subarray(0, 5).toHex()).toBe("0228b52ffd");
  expect(plain.length).toBeLessThan(json.length);
});

test("where nothing can compress, version 2 holds the JSON itself too", () => {
  expect(open(nodePrimitives, key, sealUnpacked(portablePrimitives, key, 2, json))).toEqual(json);
});

test.each(["{}", "[]", ""])("plain '%s' in a version 2 repository is read as it is", (text) => {
  const plain = new TextEncoder().encode(text);
  expect(openUnpacked(nodePrimitives, key, 2, seal(nodePrimitives, key, plain))).toEqual(plain);
});

test("an encoding that nobody has made yet is said to be unsupported", () => {
  const sealed = seal(nodePrimitives, key, Uint8Array.of(3, 1, 2));
  expect(() => openUnpacked(nodePrimitives, key, 2, sealed)).toThrow(expect.objectContaining({ code: "unsupported" }));
});

test("damage is noticed, in the seal and under it", () => {
  const corrupt = expect.objectContaining({ code: "corrupt-data" });
  const sealed = sealUnpacked(nodePrimitives, key, 2, json);
  expect(() => openUnpacked(nodePrimitives, key, 2, sealed.with(20, (sealed[20] ?? 0) ^ 1))).toThrow(corrupt);
  expect(() => openUnpacked(nodePrimitives, key, 2, seal(nodePrimitives, key, Uint8Array.of(2, 9, 9)))).toThrow(
    corrupt,
  );
});
