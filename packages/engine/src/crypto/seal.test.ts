import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import type { MasterKey } from "./master-key.ts";
import { portablePrimitives } from "./portable-primitives.ts";
import { open, seal, sealOverheadBytes } from "./seal.ts";

const key: MasterKey = {
  encrypt: Uint8Array.fromHex("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef"),
  macK: Uint8Array.fromHex("ef4d8824cb80b2bcc5fbff8a9b12a42c"),
  macR: Uint8Array.fromHex("cc8d4b948ee0ebfe1d415de921d10353"),
};
const otherKey: MasterKey = { ...key, macR: Uint8Array.fromHex("cc8d4b948ee0ebfe1d415de921d10355") };
const corrupt = expect.objectContaining({ code: "corrupt-data" });

test.each([
  ["Node's", nodePrimitives],
  ["the portable", portablePrimitives],
])("what restic sealed opens by %s primitives", (_, primitives) => {
  const sealed = Uint8Array.fromHex(
    "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750",
  );
  expect(new TextDecoder().decode(open(primitives, key, sealed))).toBe("Dies ist ein Test!");
});

test("opening gives back what was sealed, whichever primitives do it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), (plain) => {
      const sealed = seal(nodePrimitives, key, plain);
      expect(sealed.length).toBe(plain.length + sealOverheadBytes);
      expect(open(portablePrimitives, key, sealed)).toEqual(plain);
      expect(open(nodePrimitives, key, seal(portablePrimitives, key, plain))).toEqual(plain);
    }),
  );
});

test("any flipped bit is noticed, in the IV, the ciphertext and the MAC", () => {
  const sealed = seal(nodePrimitives, key, new TextEncoder().encode("forty-two bytes, more or less, of content"));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const damaged = sealed.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => open(nodePrimitives, key, damaged)).toThrow(corrupt);
  }
});

test("a unit that lost its end is noticed, down to nothing", () => {
  const sealed = seal(nodePrimitives, key, new Uint8Array(20));
  for (let length = 0; length < sealed.length; length++)
    expect(() => open(nodePrimitives, key, sealed.subarray(0, length))).toThrow(corrupt);
});

test("another key does not open it", () => {
  expect(() => open(nodePrimitives, otherKey, seal(nodePrimitives, key, new Uint8Array(5)))).toThrow(corrupt);
});

test("sealing the same bytes twice gives different units", () => {
  const plain = new Uint8Array(100);
  expect(seal(nodePrimitives, key, plain)).not.toEqual(seal(nodePrimitives, key, plain));
});

test("a unit with a zero IV is refused even when its MAC is right", () => {
  const zeroIv = { ...nodePrimitives, randomBytes: (length: number) => new Uint8Array(length) };
  expect(() => seal(zeroIv, key, new Uint8Array(3))).toThrow("IV");
  const ciphertext = new Uint8Array(3);
  const s = nodePrimitives.aes128Block(key.macK, new Uint8Array(16));
  const tag = nodePrimitives.poly1305(Uint8Array.fromHex(key.macR.toHex() + s.toHex()), ciphertext);
  expect(() => open(nodePrimitives, key, Uint8Array.of(...new Uint8Array(16), ...ciphertext, ...tag))).toThrow(
    "zero IV",
  );
});
