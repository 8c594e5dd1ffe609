import { poly1305 as noblePoly1305 } from "@noble/ciphers/_poly1305.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { poly1305 } from "./poly1305.ts";

test("the tag of RFC 8439, section 2.5.2, comes out", () => {
  const key = Uint8Array.fromHex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
  const message = new TextEncoder().encode("Cryptographic Forum Research Group");
  expect(poly1305(key, message).toHex()).toBe("a8061dc1305136c6c22b8baf0c0127a9");
});

test.each([
  {
    k: "ec074c835580741701425b623235add6",
    r: "851fc40c3467ac0be05cc20404f3f700",
    nonce: "fb447350c4e868c52ac3275cf9d4327e",
    message: "f3f6",
    tag: "f4c633c3044fc145f84f335cb81953de",
  },
  {
    k: "75deaa25c09f208e1dc4ce6b5cad3fbf",
    r: "a0f3080000f46400d0c7e9076c834403",
    nonce: "61ee09218d29b0aaed7e154a2c5509cc",
    message: "",
    tag: "dd3fab2251f11ac759f0887129cc2ee7",
  },
])("the Poly1305-AES paper's tag of '$message' comes out", ({ k, r, nonce, message, tag }) => {
  const s = nodePrimitives.aes128Block(Uint8Array.fromHex(k), Uint8Array.fromHex(nonce));
  const key = Uint8Array.fromHex(r + s.toHex());
  expect(poly1305(key, Uint8Array.fromHex(message)).toHex()).toBe(tag);
});

test("any key and message give the tag of an independent implementation", () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 300 }), (someKey, message) => {
      expect(poly1305(someKey, message)).toEqual(noblePoly1305(message, someKey));
    }),
  );
});

test.each([0x00, 0xff])("a mebibyte of bytes of value %i, where every sum is as large as it gets, is exact", (byte) => {
  const message = new Uint8Array(1024 * 1024 + 17).fill(byte);
  for (const keyByte of [0x00, 0x01, 0x0f, 0xfc, 0xff]) {
    const key = new Uint8Array(32).fill(keyByte);
    expect(poly1305(key, message)).toEqual(noblePoly1305(message, key));
  }
});

test("a message may begin anywhere in its buffer", () => {
  const key = new Uint8Array(32).fill(7);
  const buffer = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (let start = 0; start < 9; start++)
    expect(poly1305(key, buffer.subarray(start))).toEqual(poly1305(key, buffer.slice(start)));
});
