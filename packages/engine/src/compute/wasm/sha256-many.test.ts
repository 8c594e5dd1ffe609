import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { nodePrimitives } from "../../platform/node/primitives.ts";
import { wasmSha256Many } from "./sha256-many.ts";

afterEach(() => void vi.unstubAllGlobals());

function digestsOf(messages: readonly Uint8Array[]): string[] {
  const sha256Many = wasmSha256Many();
  if (!sha256Many) throw new Error("Node refuses WebAssembly");
  return sha256Many(messages).map((digest) => digest.toHex());
}

const expected = (messages: readonly Uint8Array[]) => messages.map((message) => nodePrimitives.sha256(message).toHex());

test("the digests of FIPS 180-2's examples come out", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const examples = [
    encode("abc"),
    encode("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    encode("a".repeat(1_000_000)),
    encode(""),
  ];
  expect(digestsOf(examples)).toEqual([
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ]);
});

test("any messages give the platform's digests, in the same order", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });
  fc.assert(
    fc.property(messages, (some) => {
      expect(digestsOf(some)).toEqual(expected(some));
    }),
  );
});

test("every length up to three blocks gives the platform's digest", () => {
  const bytes = Uint8Array.from({ length: 192 }, (_, index) => 7 * index + 1);
  const messages = Array.from({ length: 193 }, (_, length) => bytes.subarray(0, length));
  expect(digestsOf(messages)).toEqual(expected(messages));
});

test("messages longer than what a lane holds ready, of all lengths near it, give the platform's digests", () => {
  const bytes = Uint8Array.from({ length: 40_000 }, (_, index) => (index * 2_654_435_761) >>> 11);
  const messages = [8192, 16_384, 32_768].flatMap((length) =>
    Array.from({ length: 20 }, (_, more) => bytes.subarray(more, 2 * more + length - 10)),
  );
  expect(digestsOf(messages)).toEqual(expected(messages));
});

test("one long message among many short ones, and fewer messages than lanes, give the platform's digests", () => {
  const long = new Uint8Array(300_000).fill(3);
  const short = Array.from({ length: 50 }, (_, index) => new Uint8Array(index).fill(index));
  for (const messages of [[long, ...short], [...short, long], [long], [long, long.subarray(1)], []])
    expect(digestsOf(messages)).toEqual(expected(messages));
});

test("one call leaves nothing for the next, and digests stay what they were", () => {
  const sha256Many = wasmSha256Many();
  const messages = [new Uint8Array(100).fill(1), new Uint8Array(20_000).fill(2)];
  const first = sha256Many?.(messages) ?? [];
  sha256Many?.([new Uint8Array(70), new Uint8Array(5), new Uint8Array(9000), new Uint8Array(64), new Uint8Array(1)]);
  expect(first.map((digest) => digest.toHex())).toEqual(expected(messages));
  expect(sha256Many?.(messages)).toEqual(first);
});

test("without WebAssembly there is none", () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(wasmSha256Many()).toBeUndefined();
});
