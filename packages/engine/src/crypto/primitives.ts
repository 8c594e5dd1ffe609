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
 * anywhere; `platform/node` uses OpenSSL and zstd. All are pure, and synchronous but for scrypt.
 *
 * `room` is the caller's memory, as long as the result or longer, where a platform that can writes the result; others give new
 * memory. What is returned counts: `place` puts it where it must be.
 */
export interface Primitives {
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** SHA-256 of what comes in pieces. */
  readonly sha256Stream: () => Sha256Stream;
  /** The SHA-256 of each message, in their order: of several at once where that is faster. */
  readonly sha256Many: (messages: readonly Uint8Array[]) => Uint8Array[];
  /**
   * AES-256 in counter mode; `iv` is the 128-bit big-endian first counter. Encrypts and decrypts. `room` may begin where `bytes` does, not
   * overlap it otherwise.
   */
  readonly aes256Ctr: (key: Uint8Array, iv: Uint8Array, bytes: Uint8Array, room?: Uint8Array) => Uint8Array;
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
  /**
   * Undefined where the platform can't: blobs are then stored as they are, which every reader accepts. The result is undefined when it
   * does not fit `room` with a few bytes to spare, or is not likely to; without `room` there is always one.
   */
  readonly zstdCompress:
    | ((bytes: Uint8Array, level: Exclude<Compression, "off">, room?: Uint8Array) => Uint8Array | undefined)
    | undefined;
  /** Throws `corrupt-data` for a broken frame, or one that would give more than `maxBytes`. `room` has at least `maxBytes`. */
  readonly zstdDecompress: (bytes: Uint8Array, maxBytes: number, room?: Uint8Array) => Uint8Array;
  /** From a cryptographic source. */
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}

export interface Sha256Stream {
  update(bytes: Uint8Array): unknown;
  /** Comes once, and last. */
  digest(): Uint8Array;
}

/** Copies `result` to the beginning of `room`, unless that is where it is. */
export function place(result: Uint8Array, room: Uint8Array): void {
  if (result.buffer !== room.buffer || result.byteOffset !== room.byteOffset) room.set(result);
}
