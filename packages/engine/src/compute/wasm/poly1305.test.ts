import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { poly1305 as plainPoly1305 } from "../../crypto/poly1305.ts";
import { InvariantError } from "../../errors/invariant.ts";
import { wasmPoly1305 } from "./poly1305.ts";

afterEach(() => void vi.unstubAllGlobals());

function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const tagOf = wasmPoly1305();
  if (!tagOf) throw new Error("Node refuses WebAssembly");
  return tagOf(key, message);
}

const ietf =
  "416e79207375626d697373696f6e20746f20746865204945544620696e74656e6465642062792074686520436f6e7472696275746f7220666f72207075626c69636174696f6e20617320616c6c206f722070617274206f6620616e204945544620496e7465726e65742d4472616674206f722052464320616e6420616e792073746174656d656e74206d6164652077697468696e2074686520636f6e74657874206f6620616e204945544620616374697669747920697320636f6e7369646572656420616e20224945544620436f6e747269627574696f6e222e20537563682073746174656d656e747320696e636c756465206f72616c2073746174656d656e747320696e20494554462073657373696f6e732c2061732077656c6c206173207772697474656e20616e6420656c656374726f6e696320636f6d6d756e69636174696f6e73206d61646520617420616e792074696d65206f7220706c6163652c207768696368206172652061646472657373656420746f";
const jabberwocky =
  "2754776173206272696c6c69672c20616e642074686520736c6974687920746f7665730a446964206779726520616e642067696d626c6520696e2074686520776162653a0a416c6c206d696d737920776572652074686520626f726f676f7665732c0a416e6420746865206d6f6d65207261746873206f757467726162652e";
const zeros = "00".repeat(16);
const ones = "ff".repeat(16);

/** RFC 8439, appendix A.3, numbered as there; from 5 on they are the ones that catch reductions which are not quite. */
test.each([
  { number: 1, r: zeros, s: zeros, message: "00".repeat(64), tag: zeros },
  {
    number: 2,
    r: zeros,
    s: "36e5f6b5c5e06070f0efca96227a863e",
    message: ietf,
    tag: "36e5f6b5c5e06070f0efca96227a863e",
  },
  {
    number: 3,
    r: "36e5f6b5c5e06070f0efca96227a863e",
    s: zeros,
    message: ietf,
    tag: "f3477e7cd95417af89a6b8794c310cf0",
  },
  {
    number: 4,
    r: "1c9240a5eb55d38af333888604f6b5f0",
    s: "473917c1402b80099dca5cbc207075c0",
    message: jabberwocky,
    tag: "4541669a7eaaee61e708dc7cbcc5eb62",
  },
  { number: 5, r: shortHex("02"), s: zeros, message: ones, tag: shortHex("03") },
  { number: 6, r: shortHex("02"), s: ones, message: shortHex("02"), tag: shortHex("03") },
  {
    number: 7,
    r: shortHex("01"),
    s: zeros,
    message: `${ones}f0${"ff".repeat(15)}${shortHex("11")}`,
    tag: shortHex("05"),
  },
  { number: 8, r: shortHex("01"), s: zeros, message: `${ones}fb${"fe".repeat(15)}${"01".repeat(16)}`, tag: zeros },
  { number: 9, r: shortHex("02"), s: zeros, message: `fd${"ff".repeat(15)}`, tag: `fa${"ff".repeat(15)}` },
  {
    number: 10,
    r: shortHex("010000000000000004"),
    s: zeros,
    message: `e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001${"00".repeat(15)}`,
    tag: shortHex("140000000000000055"),
  },
  {
    number: 11,
    r: shortHex("010000000000000004"),
    s: zeros,
    message: `e33594d7505e43b900000000000000003394d7505e4379cd01${"00".repeat(23)}`,
    tag: shortHex("13"),
  },
])("the tag of RFC 8439, appendix A.3, test $number, comes out", ({ r, s, message, tag }) => {
  expect(poly1305(Uint8Array.fromHex(r + s), Uint8Array.fromHex(message)).toHex()).toBe(tag);
});

function shortHex(hex: string): string {
  return hex.padEnd(32, "0");
}

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Keys and messages in which most bytes are as large or as small as they get, where carries go furthest. */
const extreme = (lengths: { minLength?: number; maxLength: number }) =>
  fc.array(fc.constantFrom(0, 1, 0xfb, 0xfc, 0xfe, 0xff), lengths).map((bytes) => Uint8Array.from(bytes));

test("any key and message give the tag of the plain implementation", () => {
  fc.assert(
    fc.property(
      fc.oneof(bytes32, extreme({ minLength: 32, maxLength: 32 })),
      fc.oneof(fc.uint8Array({ maxLength: 300 }), extreme({ maxLength: 300 })),
      (key, message) => {
        expect(poly1305(key, message)).toEqual(plainPoly1305(key, message));
      },
    ),
    { numRuns: 500 },
  );
});

test("every short length gives the tag of the plain implementation", () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => 251 - 7 * index);
  const message = Uint8Array.from({ length: 200 }, (_, index) => 13 * index + 5);
  for (let length = 0; length <= 200; length++)
    expect(poly1305(key, message.subarray(0, length))).toEqual(plainPoly1305(key, message.subarray(0, length)));
});

test("messages near the size of the pieces that are copied give the tag of the plain implementation", () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => 3 + 9 * index);
  const message = Uint8Array.from({ length: 3 * 32_768 }, (_, index) => (index * 2_654_435_761) >>> 13);
  for (const pieces of [1, 2])
    for (let offset = -17; offset <= 17; offset++) {
      const part = message.subarray(3, 3 + pieces * 32_768 + offset);
      expect(poly1305(key, part)).toEqual(plainPoly1305(key, part));
    }
});

test.each([0x00, 0xff])("a mebibyte of bytes of value %i, where every sum is as large as it gets, is exact", (byte) => {
  const message = new Uint8Array(1024 * 1024 + 17).fill(byte);
  for (const keyByte of [0x00, 0x01, 0x0f, 0xfc, 0xff]) {
    const key = new Uint8Array(32).fill(keyByte);
    expect(poly1305(key, message)).toEqual(plainPoly1305(key, message));
  }
});

test("sums next to 2^130 − 5 are reduced to the end", () => {
  // With r = 1 the blocks are added up, and each brings 2^128: three of them, the first as large as it takes.
  const key = Uint8Array.fromHex(shortHex("01") + zeros);
  for (let beyond = -8n; beyond <= 4n; beyond++) {
    const first = ((1n << 128n) - 5n + beyond).toString(16).padStart(32, "0");
    const message = new Uint8Array(48);
    message.set(Uint8Array.fromHex(first).reverse());
    const rest = beyond < 0n ? (1n << 130n) - 5n + beyond : beyond;
    const tag = BigInt.asUintN(128, rest).toString(16).padStart(32, "0");
    expect(poly1305(key, message).toReversed().toHex()).toBe(tag);
  }
});

test("one message leaves nothing for the next, and its tag stays what it was", () => {
  const tagOf = wasmPoly1305();
  const key = new Uint8Array(32).fill(5);
  const first = tagOf?.(key, new Uint8Array(100).fill(9));
  const kept = first?.slice();
  tagOf?.(new Uint8Array(32).fill(6), new Uint8Array(77).fill(1));
  expect(first).toEqual(kept);
  expect(tagOf?.(key, new Uint8Array(100).fill(9))).toEqual(kept);
});

test("a key of another length is our own mistake", () => {
  expect(() => poly1305(new Uint8Array(31), new Uint8Array(1))).toThrow(InvariantError);
});

test("without WebAssembly there is none", () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(wasmPoly1305()).toBeUndefined();
});
