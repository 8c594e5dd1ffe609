import { ctr, ecb } from "@noble/ciphers/aes.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { poly1305 } from "./poly1305.ts";
import type { Primitives } from "./primitives.ts";
import { zstdDecompress } from "./zstd/zstd-decompress.ts";

/** The format's algorithms in plain JavaScript, for browsers and wherever else there is nothing better. It can read everything, and stores blobs uncompressed. */
export const portablePrimitives: Primitives = {
  sha256: (bytes) => sha256(bytes),
  sha256Stream: () => sha256.create(),
  sha256Many: (messages) => messages.map((message) => sha256(message)),
  aes256Ctr: (key, iv, bytes) => ctr(key, iv).encrypt(bytes),
  aes128Block: (key, block) => ecb(key, { disablePadding: true }).encrypt(block),
  poly1305,
  scrypt: (password, salt, { N, r, p }, lengthBytes) =>
    // The library counts like OpenSSL, and its own limit is for passwords of websites.
    scryptAsync(password, salt, { N, r, p, dkLen: lengthBytes, maxmem: 128 * r * (N + p + 2) }),
  zstdCompress: undefined,
  zstdDecompress,
  randomBytes: (lengthBytes) => {
    const bytes = new Uint8Array(lengthBytes);
    for (let at = 0; at < lengthBytes; at += maxRandomBytes)
      crypto.getRandomValues(bytes.subarray(at, at + maxRandomBytes));
    return bytes;
  },
};

/** Web Crypto gives no more in one call. */
const maxRandomBytes = 65_536;
