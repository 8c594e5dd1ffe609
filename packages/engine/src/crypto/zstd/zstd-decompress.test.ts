import { constants, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isEngineError } from "../../errors/engine-error.ts";
import { nodePrimitives } from "../../platform/node/primitives.ts";
import { zstdDecompress } from "./zstd-decompress.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });

/** Bytes with repetitions near and far, so that every kind of block, table and distance comes up. */
function textLike(lengthBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let at = 0; at < lengthBytes;) {
    const count = Math.min(1 + random(40), lengthBytes - at);
    if (at > 0 && random(3) > 0) {
      const from = random(at);
      for (let i = 0; i < count; i++) bytes[at + i] = bytes[from + i] ?? 0;
    } else for (let i = 0; i < count; i++) bytes[at + i] = 97 + (random(26) & random(26));
    at += count;
  }
  return bytes;
}

function compress(
  plain: Uint8Array,
  level: number,
  options: { checksum?: boolean; windowLog?: number; knownSize?: boolean } = {},
) {
  return zstdCompressSync(plain, {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: options.checksum === true ? 1 : 0,
      ...(options.windowLog === undefined ? {} : { [constants.ZSTD_c_windowLog]: options.windowLog }),
    },
    ...(options.knownSize === true ? { pledgedSrcSize: plain.length } : {}),
  });
}

test.each([-5, 1, 3, 7, 11, 17])("what zstd makes at level %i of many sizes comes back", (level) => {
  for (const length of [0, 1, 2, 5, 63, 255, 256, 257, 1000, 20_000, 131_073, 150_000]) {
    const plain = textLike(length, length + 1);
    for (const options of [{}, { knownSize: true, checksum: true }])
      expect(nodePrimitives.sha256(zstdDecompress(compress(plain, level, options), length))).toEqual(
        nodePrimitives.sha256(plain),
      );
  }
});

test("anything that zstd compresses comes back", () => {
  const arbitraryBytes = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc.uint8Array({ maxLength: 2000, max: 3 }),
    fc.tuple(fc.nat(30_000), fc.nat(1_000_000)).map(([length, seed]) => textLike(length, seed)),
  );
  fc.assert(
    fc.property(arbitraryBytes, fc.integer({ min: -7, max: 12 }), (plain, level) => {
      expect(zstdDecompress(compress(plain, level), plain.length)).toEqual(plain);
    }),
  );
});

test("a match as far back as 34 MB is found", () => {
  const plain = new Uint8Array(34_300_000);
  const once = textLike(200_000, 5).map((byte, i) => byte ^ (i * 2_654_435_761));
  plain.set(once);
  plain.set(once, 34_100_000);
  const compressed = zstdCompressSync(plain, {
    params: {
      [constants.ZSTD_c_compressionLevel]: 1,
      [constants.ZSTD_c_windowLog]: 27,
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    },
  });
  const plainAgain = zstdDecompress(compressed, plain.length);
  expect(nodePrimitives.sha256(plainAgain)).toEqual(nodePrimitives.sha256(plain));
});

test("frames one after the other, and frames to be skipped, give their contents joined", () => {
  const first = compress(textLike(500, 1), 3);
  const second = compress(textLike(700, 2), 3);
  const skipped = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const joined = zstdDecompress(Uint8Array.of(...first, ...skipped, ...second), 1200);
  expect(joined).toEqual(Uint8Array.of(...textLike(500, 1), ...textLike(700, 2)));
});

test("restic's tiny frame without a content size is read", () => {
  // Window descriptor 0, then one last raw block of two bytes.
  const frame = Uint8Array.fromHex("28b52ffd00001100004142");
  expect(new TextDecoder().decode(zstdDecompress(frame, 10))).toBe("AB");
  expect(new TextDecoder().decode(nodePrimitives.zstdDecompress(frame, 10))).toBe("AB");
});

test.each([
  ["nothing", ""],
  ["no magic number", "00000000000000"],
  ["a reserved bit", "28b52ffd08000100007b"],
  ["a dictionary", "28b52ffd0100050100007b"],
  ["a window of 2 GiB", "28b52ffd00a8010000"],
  ["a block of the reserved kind", "28b52ffd0000070000"],
  ["a raw block that is cut short", "28b52ffd000019000041"],
  ["a content size that is not met", "28b52ffd200309000041"],
  ["an empty compressed block", "28b52ffd0000050000"],
])("%s is refused", (_, hex) => {
  expect(() => zstdDecompress(Uint8Array.fromHex(hex), 1000)).toThrow(corrupt);
});

test("a frame that claims a huge content allocates nothing for it", () => {
  // Single segment, a content size of 2^62 bytes.
  const frame = Uint8Array.fromHex("28b52ffde00000000000000040010000");
  expect(() => zstdDecompress(frame, 2 ** 40)).toThrow(corrupt);
});

test("whatever is damaged, the outcome is bytes within the limit or a clear error, never a crash", () => {
  const compressed = compress(textLike(3000, 9), 3);
  const flips = fc.array(fc.tuple(fc.nat(compressed.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(flips, fc.nat(compressed.length), (damage, cut) => {
      const damaged = new Uint8Array(compressed);
      for (const [at, mask] of damage) damaged[at] = (damaged[at] ?? 0) ^ mask;
      for (const bytes of [damaged, damaged.subarray(0, cut)]) {
        try {
          expect(zstdDecompress(bytes, 5000).length).toBeLessThanOrEqual(5000);
        } catch (error) {
          if (!isEngineError(error, "corrupt-data")) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});
