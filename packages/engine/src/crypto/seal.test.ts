import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeCryptoPrimitives } from "../platform/node/node-crypto-primitives.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import type { MasterKey } from "./master-key.ts";
import { portablePrimitives } from "./portable-primitives.ts";
import type { Primitives } from "./primitives.ts";
import { ciphertextOffset, open, seal, sealInto, sealOverheadBytes } from "./seal.ts";

const key: MasterKey = {
  encrypt: Uint8Array.fromHex("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef"),
  macK: Uint8Array.fromHex("ef4d8824cb80b2bcc5fbff8a9b12a42c"),
  macR: Uint8Array.fromHex("cc8d4b948ee0ebfe1d415de921d10353"),
};
const otherKey: MasterKey = { ...key, macR: Uint8Array.fromHex("cc8d4b948ee0ebfe1d415de921d10355") };
const corrupt = expect.objectContaining({ code: "corrupt-data" });

const implementations: [string, Primitives][] = [
  ["Node's fastest", nodePrimitives],
  ["node:crypto's", nodeCryptoPrimitives],
  ["the portable", portablePrimitives],
];

test.each(implementations)("what restic sealed opens by %s primitives", (_, primitives) => {
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

test.each(implementations)(
  "a unit is sealed into a room, and its neighbours there stay as they are, by %s primitives",
  (_, primitives) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(20), (plain, before, after) => {
        const buffer = new Uint8Array(before + plain.length + sealOverheadBytes + after).fill(0xee);
        const room = buffer.subarray(before);
        const sealedBytes = sealInto(primitives, key, plain, room);
        expect(sealedBytes).toBe(plain.length + sealOverheadBytes);
        expect(open(portablePrimitives, key, room.subarray(0, sealedBytes))).toEqual(plain);
        expect(buffer.subarray(0, before)).toEqual(new Uint8Array(before).fill(0xee));
        expect(room.subarray(sealedBytes)).toEqual(new Uint8Array(after).fill(0xee));
      }),
    );
  },
);

test.each(implementations)(
  "what lies where its ciphertext goes is sealed in place by %s primitives",
  (_, primitives) => {
    const plain = new Uint8Array(1000).map((__, i) => i);
    const room = new Uint8Array(1000 + sealOverheadBytes);
    room.set(plain, ciphertextOffset);
    sealInto(primitives, key, room.subarray(ciphertextOffset, ciphertextOffset + plain.length), room);
    expect(open(portablePrimitives, key, room)).toEqual(plain);
  },
);

test.each(implementations)(
  "what is opened into a room is there by %s primitives, or in memory of its own",
  (_, primitives) => {
    const plain = new Uint8Array(1000).map((__, i) => i);
    const buffer = new Uint8Array(1200).fill(0xee);
    expect(open(primitives, key, seal(primitives, key, plain), buffer.subarray(100, 1150))).toEqual(plain);
    expect(new Set([...buffer.subarray(0, 100), ...buffer.subarray(1100)])).toEqual(new Set([0xee]));
  },
);

test("a room that is too small is refused before anything is written to it", () => {
  const room = new Uint8Array(51);
  expect(() => sealInto(nodePrimitives, key, new Uint8Array(20), room)).toThrow("room");
  expect(room).toEqual(new Uint8Array(51));
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

test("no IV comes twice, and none stays in memory after its use", () => {
  const draws: Uint8Array[] = [];
  const watched: Primitives = {
    ...nodePrimitives,
    randomBytes: (length) => {
      const bytes = nodePrimitives.randomBytes(length);
      draws.push(bytes);
      return bytes;
    },
  };
  const count = 1000;
  const ivs = new Set(Array.from({ length: count }, () => seal(watched, key, new Uint8Array(1)).toHex().slice(0, 32)));
  expect(ivs.size).toBe(count);
  const [first] = draws;
  expect(draws.length).toBeGreaterThan(1);
  expect(draws.length).toBeLessThan(count / 100);
  expect(first?.every((byte) => byte === 0)).toBe(true);
});

test("an IV that was drawn for a seal that failed is not used for the next one", () => {
  const draws: Uint8Array[] = [];
  const used: string[] = [];
  const failing: Primitives = {
    ...nodePrimitives,
    randomBytes: (length) => {
      draws.push(nodePrimitives.randomBytes(length));
      return draws.at(-1) ?? expect.unreachable();
    },
    aes256Ctr: (_, iv) => {
      used.push(iv.toHex());
      throw new RangeError("out of memory");
    },
  };
  for (let i = 0; i < 2; i++) expect(() => seal(failing, key, new Uint8Array(1))).toThrow("out of memory");
  expect(used[0]).not.toBe(used[1]);
  expect(draws.length).toBe(1);
});

test("random bytes of one source are not used with another", () => {
  const source = (fill: number): Primitives => ({
    ...nodePrimitives,
    randomBytes: (length) => new Uint8Array(length).fill(fill),
  });
  expect(seal(source(1), key, new Uint8Array(1)).subarray(0, 16)).toEqual(new Uint8Array(16).fill(1));
  expect(seal(source(2), key, new Uint8Array(1)).subarray(0, 16)).toEqual(new Uint8Array(16).fill(2));
});

test("a source that gives fewer random bytes than it was asked for is noticed", () => {
  const short: Primitives = { ...nodePrimitives, randomBytes: (length) => new Uint8Array(length - 1).fill(1) };
  expect(() => seal(short, key, new Uint8Array(1))).toThrow("random source");
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
