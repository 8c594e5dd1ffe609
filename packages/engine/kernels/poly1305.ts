/*
 * Poly1305 (RFC 8439, section 2.5); its twin in TypeScript is src/crypto/poly1305.ts, and src/compute/wasm/poly1305.ts feeds it. Numbers modulo
 * p = 2^130 − 5 are five limbs of 26 bits in u64; 2^130 ≡ 5, so what is carried out of the fifth comes back to the first times five.
 *
 * Nothing overflows. Between blocks all limbs of h are below 2^26, but h1 below 2^26 + 2^9; a block added to them gives limbs below 2^27.01. r has
 * limbs below 2^26, and five times one is below 2^28.33. A column is five products: below 5 · 2^27.01 · 2^28.33 < 2^57.7. Carries are so below
 * 2^32, and column + carry below 2^58. The last comes back to a limb below 2^26 as less than 5 · 2^32 < 2^34.4, of which less than 2^9
 * goes on to h1.
 */

/** The caller puts r ‖ s here, before `start`. */
export const key: usize = memory.data(32, 16);
/** `finish` leaves the tag here: 16 bytes. */
export const tag: usize = memory.data(16, 16);

const blockBytes: usize = 16;
const lastBlock: usize = memory.data(16, 16);

const limbBits: u64 = 26;
const limbMask: u64 = (1 << 26) - 1;
/** Bit 128, as bit of the fifth limb: the one that every whole block gets after its last byte. */
const oneAfterBlock: u64 = 1 << 24;

/** The limbs of r, and of the hash so far. */
let r0: u64, r1: u64, r2: u64, r3: u64, r4: u64;
let h0: u64, h1: u64, h2: u64, h3: u64, h4: u64;

/** Begins a message. */
export function start(): void {
  // The masks clear the bits of r that must be zero, as well as those of the next limb.
  r0 = load<u32>(key) & 0x3ffffff;
  r1 = (load<u32>(key, 3) >> 2) & 0x3ffff03;
  r2 = (load<u32>(key, 6) >> 4) & 0x3ffc0ff;
  r3 = (load<u32>(key, 9) >> 6) & 0x3f03fff;
  r4 = (load<u32>(key, 12) >> 8) & 0x00fffff;
  h0 = h1 = h2 = h3 = h4 = 0;
}

/** Takes in so many whole blocks of 16 bytes. */
export function blocks(at: usize, count: usize): void {
  absorb(at, at + count * blockBytes, oneAfterBlock);
}

/** Takes in what is left, less than a block, and makes the tag. */
export function finish(at: usize, lengthBytes: usize): void {
  if (lengthBytes) {
    memory.fill(lastBlock, 0, blockBytes);
    memory.copy(lastBlock, at, lengthBytes);
    store<u8>(lastBlock + lengthBytes, 1);
    absorb(lastBlock, lastBlock + blockBytes, 0);
  }
  reduce();
  // h + s modulo 2^128
  const low = h0 | (h1 << 26) | (h2 << 52);
  const high = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  const tagLow = low + load<u64>(key, 16);
  store<u64>(tag, tagLow);
  store<u64>(tag, high + load<u64>(key, 24) + u64(tagLow < low), 8);
}

/** For each block: h ← (h + block) · r, partly reduced. */
function absorb(at: usize, end: usize, oneAfter: u64): void {
  const f0 = r0;
  const f1 = r1;
  const f2 = r2;
  const f3 = r3;
  const f4 = r4;
  const w1 = 5 * f1;
  const w2 = 5 * f2;
  const w3 = 5 * f3;
  const w4 = 5 * f4;
  let a0 = h0;
  let a1 = h1;
  let a2 = h2;
  let a3 = h3;
  let a4 = h4;
  for (; at < end; at += blockBytes) {
    a0 += load<u32>(at) & limbMask;
    a1 += (load<u32>(at, 3) >> 2) & limbMask;
    a2 += (load<u32>(at, 6) >> 4) & limbMask;
    a3 += load<u32>(at, 9) >> 6;
    a4 += (load<u32>(at, 12) >> 8) | oneAfter;

    const d0 = a0 * f0 + a1 * w4 + a2 * w3 + a3 * w2 + a4 * w1;
    const d1 = a0 * f1 + a1 * f0 + a2 * w4 + a3 * w3 + a4 * w2 + (d0 >> limbBits);
    const d2 = a0 * f2 + a1 * f1 + a2 * f0 + a3 * w4 + a4 * w3 + (d1 >> limbBits);
    const d3 = a0 * f3 + a1 * f2 + a2 * f1 + a3 * f0 + a4 * w4 + (d2 >> limbBits);
    const d4 = a0 * f4 + a1 * f3 + a2 * f2 + a3 * f1 + a4 * f0 + (d3 >> limbBits);

    a0 = (d0 & limbMask) + 5 * (d4 >> limbBits);
    a1 = (d1 & limbMask) + (a0 >> limbBits);
    a0 &= limbMask;
    a2 = d2 & limbMask;
    a3 = d3 & limbMask;
    a4 = d4 & limbMask;
  }
  h0 = a0;
  h1 = a1;
  h2 = a2;
  h3 = a3;
  h4 = a4;
}

/** h modulo p, each limb below 2^26. */
function reduce(): void {
  h0 += 5 * carry();
  // What came back can ripple through once more, if h was within a hair of 2^130; then h0 is so small that it can't a third time.
  h0 += 5 * carry();
  // h ≥ p if and only if h + 5 reaches 2^130, and then h − p is h + 5 without that bit.
  let reaches = (h0 + 5) >> limbBits;
  reaches = (h1 + reaches) >> limbBits;
  reaches = (h2 + reaches) >> limbBits;
  reaches = (h3 + reaches) >> limbBits;
  reaches = (h4 + reaches) >> limbBits;
  h0 += 5 * reaches;
  carry();
}

/** Leaves limbs below 2^26, and gives what is carried out of the fifth. */
function carry(): u64 {
  h1 += h0 >> limbBits;
  h0 &= limbMask;
  h2 += h1 >> limbBits;
  h1 &= limbMask;
  h3 += h2 >> limbBits;
  h2 &= limbMask;
  h4 += h3 >> limbBits;
  h3 &= limbMask;
  const out = h4 >> limbBits;
  h4 &= limbMask;
  return out;
}
