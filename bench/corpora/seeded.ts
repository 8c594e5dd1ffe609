import { createCipheriv, createHash } from "node:crypto";

/** Numbers that look random and are the same for the same seed, whatever the machine. */
export interface Seeded {
  /** At least 0, below 1. */
  number(): number;
  /** At least 0, below `limit`. */
  integer(limit: number): number;
}

/** Mulberry32: 32 bits of state are plenty to vary sizes and words. */
export function seeded(seed: number): Seeded {
  let state = seed | 0;
  const number = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { number, integer: (limit) => Math.floor(number() * limit) };
}

/** Bytes that nothing can compress, one piece after another: the key stream of AES for this seed. */
export function* incompressible(seed: string, lengthBytes: number, pieceBytes: number): Generator<Uint8Array> {
  const cipher = createCipheriv("aes-256-ctr", createHash("sha256").update(seed).digest(), new Uint8Array(16));
  const zeros = new Uint8Array(pieceBytes);
  for (let left = lengthBytes; left > 0; left -= pieceBytes)
    yield cipher.update(zeros.subarray(0, Math.min(left, pieceBytes)));
}
