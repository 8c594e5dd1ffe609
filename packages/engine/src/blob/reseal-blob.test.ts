import { expect, test } from "vitest";
import { generateMasterKey } from "../crypto/master-key.ts";
import { nodePrimitives as primitives } from "../platform/node/primitives.ts";
import { resealBlobInto, type Resealing, resealRoomBytes } from "./reseal-blob.ts";
import { blobIdOf, openBlob, sealBlob } from "./seal-blob.ts";
import type { SealedBlob } from "./sealed-blob.ts";

const from = generateMasterKey(primitives);
const to = generateMasterKey(primitives);
const text = new TextEncoder().encode("some text that repeats itself, some text that repeats itself");
const noise = primitives.randomBytes(300);

test.each(["as-is", "off", "auto", "max"] as const)(
  "a blob sealed anew (%s) opens with the other key",
  (compression) => {
    for (const plain of [text, noise, new Uint8Array(0)])
      for (const blob of [sealBlob(primitives, from, plain, "off"), sealBlob(primitives, from, plain, "auto")])
        expect(openBlob(primitives, to, resealed(blob, plain, compression), blobIdOf(primitives, plain))).toEqual(
          plain,
        );
  },
);

test("what is compressed stays so, and what is not is compressed if that makes it smaller", () => {
  const compressed = sealBlob(primitives, from, text, "auto");
  const raw = sealBlob(primitives, from, text, "off");
  expect(resealed(compressed, text, "as-is").sealed.length).toBe(compressed.sealed.length);
  expect(resealed(raw, text, "as-is").uncompressedLength).toBe(text.length);
  expect(resealed(sealBlob(primitives, from, noise, "off"), noise, "as-is").uncompressedLength).toBe(0);
  expect(resealed(compressed, text, "off").uncompressedLength).toBe(0);
});

test("a blob that is not what its name says is not sealed", () => {
  const id = blobIdOf(primitives, noise);
  for (const compression of ["off", "auto"] as const)
    expect(() => reseal(sealBlob(primitives, from, text, compression), id, "as-is")).toThrow(
      expect.objectContaining({ code: "corrupt-data" }),
    );
});

test("any damaged byte is noticed", () => {
  const { sealed, uncompressedLength } = sealBlob(primitives, from, text, "auto");
  const id = blobIdOf(primitives, text);
  for (let at = 0; at < sealed.length; at++) {
    const damaged = { sealed: sealed.with(at, (sealed[at] ?? 0) ^ 0x10), uncompressedLength };
    expect(() => reseal(damaged, id, "as-is")).toThrow(expect.objectContaining({ code: "corrupt-data" }));
  }
});

function resealed(blob: SealedBlob, plain: Uint8Array, compression: Resealing["compression"]): SealedBlob {
  return reseal(blob, blobIdOf(primitives, plain), compression);
}

function reseal(blob: SealedBlob, id: Parameters<typeof resealBlobInto>[2], compression: Resealing["compression"]) {
  const out = new Uint8Array(resealRoomBytes(blob));
  const plainRoom = new Uint8Array(1000);
  const lengths = resealBlobInto({ primitives, from, to, compression }, blob, id, { out, plainRoom });
  return { sealed: out.subarray(0, lengths.sealedBytes), uncompressedLength: lengths.uncompressedLength };
}
