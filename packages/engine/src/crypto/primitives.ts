/** scrypt's cost parameters (RFC 7914): memory is 128 · N · r bytes, time grows with N · r · p. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** zstd effort, by restic's names. Not recorded in the repository. */
export type Compression = "off" | "fastest" | "auto" | "better" | "max";

/**
 * The algorithms that the format is made of, as the platform does them best. `portable-primitives.ts` is plain TypeScript and runs
 * anywhere; `platform/node` uses OpenSSL and Node's zstd. All are pure, and synchronous but for scrypt.
 */
export interface Primitives {
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** AES-256 in counter mode; `iv` is the 128-bit big-endian first counter. Encrypts and decrypts. */
  readonly aes256Ctr: (key: Uint8Array, iv: Uint8Array, bytes: Uint8Array) => Uint8Array;
  /** One 16-byte block of AES-128, no padding. */
  readonly aes128Block: (key: Uint8Array, block: Uint8Array) => Uint8Array;
  /** The 16-byte tag of RFC 8439 section 2.5; `key` is r ‖ s, clamped by the algorithm. */
  readonly poly1305: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  readonly scrypt: (
    password: Uint8Array,
    salt: Uint8Array,
    cost: ScryptCost,
    lengthBytes: number,
  ) => Promise<Uint8Array>;
  /** Undefined where the platform can't: blobs are then stored as they are, which every reader accepts. */
  readonly zstdCompress: ((bytes: Uint8Array, level: Exclude<Compression, "off">) => Uint8Array) | undefined;
  /** Throws `corrupt-data` for a broken frame, or one that would give more than `maxBytes`. */
  readonly zstdDecompress: (bytes: Uint8Array, maxBytes: number) => Uint8Array;
  /** From a cryptographic source. */
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}
