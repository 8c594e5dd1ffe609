import { createHash } from "node:crypto";
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { portablePrimitives } from "../../crypto/portable-primitives.ts";
import type { Compression, Primitives } from "../../crypto/primitives.ts";
import { concatBytes } from "../../format/concat-bytes.ts";
import { nativePrimitives } from "./native-primitives.ts";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";
import { nodePrimitives } from "./primitives.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const levels: Exclude<Compression, "off">[] = ["fastest", "auto", "better", "max"];

const native = nativePrimitives({});
const implementations: [string, Primitives][] = [
  ...(native === undefined ? [] : [["native", native] satisfies [string, Primitives]]),
  ["node:crypto's", nodeCryptoPrimitives],
  ["portable", portablePrimitives],
];
const compressors = implementations.filter(([, { zstdCompress }]) => zstdCompress !== undefined);

test("the fastest primitives that this Node has are those that are used", () => {
  const fastest = nativePrimitives() ?? nodeCryptoPrimitives;
  expect(nodePrimitives.zstdCompress?.toString()).toBe(fastest.zstdCompress?.toString());
});

test.runIf(process.platform === "linux")("Node for Linux lets its own OpenSSL and zstd be called", () => {
  expect(native).toBeDefined();
});

describe.each(implementations)("the %s primitives", (_, primitives) => {
  test("give the SHA-256 of any bytes, wherever they lie in their buffer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (buffer, start) => {
        const message = buffer.subarray(start);
        expect(primitives.sha256(message).toHex()).toBe(createHash("sha256").update(message).digest("hex"));
      }),
    );
  });

  test("give the SHA-256 of what comes in pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (pieces) => {
        const stream = primitives.sha256Stream();
        for (const piece of pieces) stream.update(piece);
        expect(stream.digest()).toEqual(primitives.sha256(concatBytes(pieces)));
      }),
    );
  });

  test("give the SHA-256 of many messages in their order", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (messages) => {
        expect(primitives.sha256Many(messages)).toEqual(messages.map(portablePrimitives.sha256));
      }),
    );
  });

  test("encrypt as the portable ones do, with a new key in every call", () => {
    fc.assert(
      fc.property(bytes(32), bytes(16), fc.uint8Array({ maxLength: 100 }), (key, iv, message) => {
        expect(primitives.aes256Ctr(key, iv, message)).toEqual(portablePrimitives.aes256Ctr(key, iv, message));
        expect(primitives.aes128Block(iv, iv)).toEqual(portablePrimitives.aes128Block(iv, iv));
      }),
    );
  });

  test("authenticate as the portable ones do", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 200 }), (key, message) => {
        expect(primitives.poly1305(key, message)).toEqual(portablePrimitives.poly1305(key, message));
      }),
    );
  });

  test("encrypt a message of many blocks in place, and decrypt it again", () => {
    const key = new Uint8Array(32).fill(1);
    const iv = new Uint8Array(16).fill(2);
    const plain = primitives.randomBytes(10_007);
    const expected = portablePrimitives.aes256Ctr(key, iv, plain);
    const buffer = plain.slice();
    buffer.set(primitives.aes256Ctr(key, iv, buffer, buffer));
    expect(buffer).toEqual(expected);
    expect(primitives.aes256Ctr(key, iv, buffer)).toEqual(plain);
  });

  test("carry the counter of AES through all 128 bits", () => {
    const key = new Uint8Array(32).fill(5);
    const lastCounter = new Uint8Array(16).fill(0xff);
    const message = new Uint8Array(100);
    expect(primitives.aes256Ctr(key, lastCounter, message)).toEqual(
      portablePrimitives.aes256Ctr(key, lastCounter, message),
    );
  });

  test("do not mistake a key whose buffer is used again for the key before", () => {
    const key = new Uint8Array(32).fill(1);
    const iv = new Uint8Array(16).fill(2);
    const message = new Uint8Array(20);
    primitives.aes256Ctr(key, iv, message);
    primitives.aes128Block(key.subarray(16), iv);
    key.fill(9);
    expect(primitives.aes256Ctr(key, iv, message)).toEqual(portablePrimitives.aes256Ctr(key, iv, message));
    expect(primitives.aes128Block(key.subarray(16), iv)).toEqual(portablePrimitives.aes128Block(key.subarray(16), iv));
  });

  test("write at most to the room that they are given, and to none of it that the result does not take", () => {
    const key = new Uint8Array(32);
    const iv = key.subarray(16);
    const buffer = new Uint8Array(300).fill(0xee);
    const room = buffer.subarray(100, 200);
    primitives.aes256Ctr(key, iv, new Uint8Array(60), room);
    primitives.zstdDecompress(zstdCompressSync(new Uint8Array(60)), 100, room.subarray(0, 100));
    primitives.zstdCompress?.(primitives.randomBytes(1000), "auto", room);
    expect(new Set([...buffer.subarray(0, 100), ...buffer.subarray(200)])).toEqual(new Set([0xee]));
  });

  test("derive the same key from a password", async () => {
    const cost = { N: 256, r: 8, p: 3 };
    const password = new TextEncoder().encode("pässwörd");
    const salt = new Uint8Array(64).fill(3);
    const key = await primitives.scrypt(password, salt, cost, 64);
    expect(key).toEqual(await portablePrimitives.scrypt(password, salt, cost, 64));
  });

  test("decompress whatever the others compress, at any level", () => {
    const someBytes = fc.uint8Array({ maxLength: 3000, max: 20 });
    fc.assert(
      fc.property(
        someBytes,
        fc.constantFrom(...levels),
        fc.constantFrom(...compressors),
        (plain, level, [, { zstdCompress }]) => {
          const compressed = zstdCompress?.(plain, level) ?? expect.unreachable();
          expect(primitives.zstdDecompress(compressed, plain.length)).toEqual(plain);
          expect(primitives.zstdDecompress(compressed, 5000, new Uint8Array(5000))).toEqual(plain);
        },
      ),
    );
  });

  test("decompress frames that don't state their length, frames in a row, and frames to be skipped", async () => {
    const plain = new Uint8Array(200_000).map((_, i) => i >> 8);
    const unstated = await streamed(plain);
    const skipped = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
    expect(primitives.zstdDecompress(unstated, plain.length)).toEqual(plain);
    for (const maxBytes of [plain.length + 1, 1_000_000, 512 * 1024 * 1024])
      expect(primitives.zstdDecompress(unstated, maxBytes)).toEqual(plain);
    const joined = new Uint8Array(Buffer.concat([skipped, zstdCompressSync(plain), unstated]));
    expect(primitives.zstdDecompress(joined, 400_000)).toEqual(new Uint8Array(Buffer.concat([plain, plain])));
    expect(() => primitives.zstdDecompress(unstated, plain.length - 1)).toThrow(corrupt);
    expect(() => primitives.zstdDecompress(joined, 400_000 - 1)).toThrow(corrupt);
  });

  test("refuse to decompress what gives more than it may, or is cut short", () => {
    const bomb = zstdCompressSync(new Uint8Array(64 * 1024 * 1024), { pledgedSrcSize: 64 * 1024 * 1024 });
    expect(bomb.length).toBeLessThan(10_000);
    expect(() => primitives.zstdDecompress(bomb, 1000)).toThrow(corrupt);
    expect(() => primitives.zstdDecompress(bomb, 64 * 1024 * 1024 - 1)).toThrow(corrupt);
    const text = new TextEncoder().encode("some text, some text and more text");
    const small = new Uint8Array(zstdCompressSync(text, { pledgedSrcSize: text.length }));
    expect(() => primitives.zstdDecompress(small, 0)).toThrow(corrupt);
    for (let length = 0; length < small.length; length++)
      expect(() => primitives.zstdDecompress(small.subarray(0, length), 1000)).toThrow(corrupt);
  });

  test("decompress frames one behind another, and refuse what comes behind them and is none", () => {
    const frames = [new Uint8Array(100).fill(7), new Uint8Array(200).fill(8)].map((plain) => zstdCompressSync(plain));
    const both = Buffer.concat(frames);
    expect(primitives.zstdDecompress(both, 300).length).toBe(300);
    for (const more of [[0], [1, 2, 3, 4, 5, 6, 7, 8, 9]])
      expect(() => primitives.zstdDecompress(new Uint8Array([...both, ...more]), 300)).toThrow(corrupt);
  });

  test("refuse a frame that lies about its length, and don't allocate what it claims", () => {
    const plain = new Uint8Array(100).fill(7);
    const frame = new Uint8Array(zstdCompressSync(plain, { pledgedSrcSize: plain.length }));
    // A single segment with its length in one byte (RFC 8878, section 3.1.1.1).
    expect([frame[4], frame[5]]).toEqual([0x20, 100]);
    for (const lie of [0, 99, 101, 255])
      expect(() => primitives.zstdDecompress(frame.with(5, lie), 300)).toThrow(corrupt);
    const claim = new Uint8Array([...frame.subarray(0, 4), 0xe0, ...new Uint8Array(8), ...frame.subarray(6)]);
    new DataView(claim.buffer).setBigUint64(5, 2n ** 40n, true);
    expect(() => primitives.zstdDecompress(claim, 2 ** 41)).toThrow(corrupt);
  });

  test("answer any bytes that claim to be zstd's with bytes or an error, all the same", () => {
    const frame = new Uint8Array(zstdCompressSync(new Uint8Array(2000).map((_, i) => (i * i) >> 6)));
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = frame.with(at, (frame[at] ?? 0) ^ change);
        const outcome = (zstdDecompress: Primitives["zstdDecompress"]) => {
          try {
            return zstdDecompress(damaged, 3000).toHex();
          } catch (error) {
            expect(error).toEqual(corrupt);
            return "corrupt";
          }
        };
        expect(outcome(primitives.zstdDecompress)).toBe(outcome(nodeCryptoPrimitives.zstdDecompress));
      }),
    );
  });

  test("draw random bytes in the length asked for, which do not repeat", () => {
    expect(primitives.randomBytes(200_001).length).toBe(200_001);
    expect(primitives.randomBytes(16)).not.toEqual(primitives.randomBytes(16));
    expect(primitives.randomBytes(200_000).subarray(-16)).not.toEqual(new Uint8Array(16));
  });

  test("give plain byte arrays that stay as they are, not Node's buffers", () => {
    const ten = new Uint8Array(10);
    const key = new Uint8Array(32);
    const results = () => [
      primitives.sha256(ten),
      ...primitives.sha256Many([ten, key]),
      primitives.sha256Stream().digest(),
      primitives.aes256Ctr(key, key.subarray(16), ten),
      primitives.aes128Block(key.subarray(16), key.subarray(16)),
      primitives.poly1305(key.with(0, 1), ten.with(0, 1)),
      primitives.zstdDecompress(zstdCompressSync(ten), 10),
    ];
    const first = results();
    const copies = first.map((result) => result.slice());
    for (const result of [...first, primitives.randomBytes(3)])
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
    primitives.sha256(key);
    primitives.aes128Block(key.subarray(16), new Uint8Array(16).fill(1));
    primitives.poly1305(key.fill(9), key);
    expect(first).toEqual(copies);
  });
});

describe.each(compressors)("compression by the %s primitives", (_, { zstdCompress, zstdDecompress, randomBytes }) => {
  const compress = zstdCompress ?? expect.unreachable();

  test("is undefined when the result does not fit the room", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600, max: 30 }), fc.nat(600), (plain, roomBytes) => {
        const compressed = compress(plain, "auto") ?? expect.unreachable();
        const inRoom = compress(plain, "auto", new Uint8Array(roomBytes));
        // zstd wants a few bytes more than it writes.
        if (compressed.length + 32 <= roomBytes) expect(inRoom).toEqual(compressed);
        else if (compressed.length > roomBytes) expect(inRoom).toBeUndefined();
      }),
    );
  });

  test("gives the shorter frames the more effort it makes, and no checksum", () => {
    const plain = new Uint8Array(300_000).map((_, i) => Math.imul(i >> 3, 2_654_435_761) >>> (28 - (i & 3)));
    const lengths = levels.map((level) => compress(plain, level)?.length ?? 0);
    expect(lengths.every((length) => length > 0 && length < plain.length)).toBe(true);
    expect(lengths.at(-1)).toBeLessThan(lengths[0] ?? 0);
    for (const level of levels) expect((compress(plain, level)?.[4] ?? 0) & 4).toBe(0);
  });

  test.each(levels)("at level %s leaves large random bytes alone and takes large text", (level) => {
    const room = new Uint8Array(400_000);
    expect(compress(randomBytes(400_001), level, room)).toBeUndefined();
    const text = new TextEncoder().encode("All happy families are alike. ".repeat(14_000)).subarray(0, 400_001);
    const compressed = compress(text, level, room) ?? expect.unreachable();
    expect(zstdDecompress(compressed, text.length)).toEqual(text);
  });
});

/** Compressed without knowing the length beforehand, as pipes are. */
async function streamed(plain: Uint8Array): Promise<Uint8Array> {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  compressor.write(plain.subarray(0, 1000));
  compressor.flush();
  compressor.end(plain.subarray(1000));
  const parts: Uint8Array[] = [];
  for await (const part of compressor) parts.push(part as Uint8Array);
  return new Uint8Array(Buffer.concat(parts));
}
