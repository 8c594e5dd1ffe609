import { createCipheriv, createHash, createSecretKey, hash, randomBytes, scrypt, type KeyObject } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { wasmPoly1305 } from "../../compute/wasm/poly1305.ts";
import { equalBytes } from "../../crypto/equal-bytes.ts";
import { poly1305 } from "../../crypto/poly1305.ts";
import type { Primitives } from "../../crypto/primitives.ts";
import { EngineError } from "../../errors/engine-error.ts";
import { fastestSha256Many, wasmSha256Lanes } from "./sha256-many.ts";
import { zstdBoundBytes, zstdLevels } from "./zstd-level.ts";

/** The format's algorithms by `node:crypto` and `node:zlib`, on every platform that Node runs on. */
export const nodeCryptoPrimitives: Primitives = {
  sha256,
  sha256Stream: () => {
    const stream = createHash("sha256");
    return { update: (bytes) => stream.update(bytes), digest: () => asPlainBytes(stream.digest()) };
  },
  sha256Many: fastestSha256Many(sha256, wasmSha256Lanes, () => performance.now()),
  aes256Ctr: (key, iv, bytes) => asPlainBytes(createCipheriv("aes-256-ctr", aes256Keys(key), iv).update(bytes)),
  aes128Block: (key, block) => {
    const cipher = createCipheriv("aes-128-ecb", aes128Keys(key), null);
    cipher.setAutoPadding(false);
    return asPlainBytes(cipher.update(block));
  },
  poly1305: (key, message) => {
    fastestPoly1305 ??= wasmPoly1305() ?? poly1305;
    return fastestPoly1305(key, message);
  },
  scrypt: (password, salt, { N, r, p }, lengthBytes) =>
    new Promise((resolve, reject) => {
      // OpenSSL counts 128·r·(N + p + 2) bytes against `maxmem`.
      const maxmem = 128 * r * (N + p + 2) + 1024;
      scrypt(password, salt, lengthBytes, { N, r, p, maxmem }, (error, key) => {
        if (error)
          reject(new EngineError("unsupported", `scrypt failed with N=${N}, r=${r}, p=${p}`, { cause: error }));
        else resolve(asPlainBytes(key));
      });
    }),
  zstdCompress: (bytes, level, room) => {
    const compressed = zstdCompressSync(bytes, {
      params: {
        [constants.ZSTD_c_compressionLevel]: zstdLevels[level],
        // Blobs and files carry a SHA-256 and a MAC: a third checksum would only take room.
        [constants.ZSTD_c_checksumFlag]: 0,
      },
      pledgedSrcSize: bytes.length,
      // With room for all that can come, compressing needs one buffer.
      chunkSize: Math.max(zstdBoundBytes(bytes.length), minZlibChunkBytes),
    });
    return room !== undefined && compressed.length > room.length ? undefined : asPlainBytes(compressed);
  },
  zstdDecompress: (bytes, maxBytes) => {
    try {
      const { buffer, engine } = zstdDecompressSync(bytes, {
        // Zero is not allowed there, and one byte too many is seen below.
        maxOutputLength: Math.max(maxBytes, 1),
        chunkSize: decompressChunkBytes(bytes.length, maxBytes),
        params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
        info: true,
      }) as unknown as DecompressedWithInfo;
      // Node leaves alone what comes behind a whole frame and is none.
      if (engine.bytesWritten === bytes.length) return asPlainBytes(buffer);
    } catch (cause) {
      throw notZstd(bytes, maxBytes, cause);
    }
    throw notZstd(bytes, maxBytes);
  },
  randomBytes: (lengthBytes) => asPlainBytes(randomBytes(lengthBytes)),
};

/** What `info` gives (Node's zlib documentation, "Class: Options"), which its types leave out. */
interface DecompressedWithInfo {
  readonly buffer: Buffer;
  /** How many bytes it took: of what went in, in spite of the name. */
  readonly engine: { readonly bytesWritten: number };
}

function notZstd(bytes: Uint8Array, maxBytes: number, cause?: unknown): EngineError {
  return new EngineError("corrupt-data", `${bytes.length} bytes are not zstd data of at most ${maxBytes} bytes`, {
    cause,
  });
}

/** Found when first needed: `node:crypto` has none that can be called on its own. */
let fastestPoly1305: Primitives["poly1305"] | undefined;

/** By way of hexadecimal digits, which Node gives out in a third of the time that it takes to make a Buffer. */
function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.fromHex(hash("sha256", bytes, "hex"));
}

/** Node refuses smaller chunks. */
const minZlibChunkBytes = 64;
/** 128 MiB, the most that other restic writers are known to use. */
const maxWindowLog = 27;

/** A whole chunk of a file is decompressed into one buffer; a lying length must not allocate more than that at once. */
const maxDecompressChunkBytes = 8 * 1024 * 1024;
/** More than text and JSON shrink. What shrinks more is decompressed in several pieces. */
const usualCompressionRatio = 16;

/** How much to allocate at once: the whole result in the usual case, without spending megabytes on a small file whose limit is large. */
function decompressChunkBytes(compressedBytes: number, maxBytes: number): number {
  const likelyBytes = Math.min(maxBytes, usualCompressionRatio * compressedBytes, maxDecompressChunkBytes);
  return Math.max(likelyBytes, minZlibChunkBytes);
}

const aes256Keys = lastKeyCache();
const aes128Keys = lastKeyCache();

/**
 * Remembers the OpenSSL form of the key used last: making it costs as much as sealing a small blob, and a repository has one key.
 * It compares bytes, not identities, so that a buffer used again for another key is noticed.
 */
function lastKeyCache(): (key: Uint8Array) => KeyObject {
  let last: { readonly bytes: Uint8Array; readonly object: KeyObject } | undefined;
  return (key) => {
    if (last === undefined || !equalBytes(last.bytes, key)) {
      const bytes = key.slice();
      last = { bytes, object: createSecretKey(bytes) };
    }
    return last.object;
  };
}

/** The same bytes without Node's own methods: `Buffer` changes what `slice` means. */
function asPlainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
