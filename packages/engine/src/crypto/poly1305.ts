import { invariant } from "../errors/invariant.ts";

/** Bytes of a one-time key (r ‖ s). */
const keyBytes = 32;
/** Bytes of a block, and of the tag. */
const blockBytes = 16;

/** The prime that gives the algorithm its name: 2^130 − 5. */
const prime = (1n << 130n) - 5n;
/** RFC 8439, section 2.5: the bits of r that must be zero. */
const clampMask = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/**
 * Poly1305 (RFC 8439, section 2.5): the 16-byte tag of `message` under the one-time key r ‖ s. r is clamped here.
 *
 * Numbers modulo 2^130 − 5 are held as six limbs of 22 bits in doubles. A double is exact up to 2^53, and a sum of twelve products
 * of such limbs stays below that (see `carryMagic`), so two blocks are multiplied between carries and no 64-bit integers are needed.
 */
export function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  invariant(key.length === keyBytes, "a Poly1305 key is 32 bytes");
  const r = toInteger(key.subarray(0, blockBytes)) & clampMask;
  const s = toInteger(key.subarray(blockBytes));
  const hash = evaluate(message, r);
  return fromInteger((hash + s) & ((1n << 128n) - 1n));
}

const limbBits = 22;
const limbMask = (1 << limbBits) - 1;
/** 2^132 ≡ 4·5 modulo 2^130 − 5: what overflows the six limbs comes back multiplied by this. */
const overflowFactor = 20;
/**
 * Adding and subtracting 1.5 · 2^(52+22) rounds a double to a multiple of 2^22, which is the carry into the next limb. It leaves signed limbs
 * of at most 2^21 (the lowest two a little more), so one step's sums stay below 12 · (1.5·2^22) · (20·2^22) < 2^53.
 */
const carryMagic = 1.5 * 2 ** (52 + limbBits);
const perLimb = 2 ** -limbBits;

/** The polynomial whose coefficients are the message's blocks, at r, modulo 2^130 − 5. */
function evaluate(message: Uint8Array, r: bigint): bigint {
  const [r0, r1, r2, r3, r4, r5] = toLimbs(r);
  const [q0, q1, q2, q3, q4, q5] = toLimbs((r * r) % prime);
  // Factors for what wraps around the top limb.
  const r1w = overflowFactor * r1;
  const r2w = overflowFactor * r2;
  const r3w = overflowFactor * r3;
  const r4w = overflowFactor * r4;
  const r5w = overflowFactor * r5;
  const q1w = overflowFactor * q1;
  const q2w = overflowFactor * q2;
  const q3w = overflowFactor * q3;
  const q4w = overflowFactor * q4;
  const q5w = overflowFactor * q5;

  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const pairsEnd = message.length - (message.length % (2 * blockBytes));
  let h0 = 0;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let h5 = 0;
  for (let at = 0; at < pairsEnd; at += 2 * blockBytes) {
    // h ← (h + first block) · r² + second block · r
    let w0 = view.getUint32(at, true);
    let w1 = view.getUint32(at + 4, true);
    let w2 = view.getUint32(at + 8, true);
    let w3 = view.getUint32(at + 12, true);
    h0 += w0 & limbMask;
    h1 += ((w0 >>> 22) | (w1 << 10)) & limbMask;
    h2 += ((w1 >>> 12) | (w2 << 20)) & limbMask;
    h3 += (w2 >>> 2) & limbMask;
    h4 += ((w2 >>> 24) | (w3 << 8)) & limbMask;
    h5 += (w3 >>> 14) | (1 << 18);
    w0 = view.getUint32(at + 16, true);
    w1 = view.getUint32(at + 20, true);
    w2 = view.getUint32(at + 24, true);
    w3 = view.getUint32(at + 28, true);
    const m0 = w0 & limbMask;
    const m1 = ((w0 >>> 22) | (w1 << 10)) & limbMask;
    const m2 = ((w1 >>> 12) | (w2 << 20)) & limbMask;
    const m3 = (w2 >>> 2) & limbMask;
    const m4 = ((w2 >>> 24) | (w3 << 8)) & limbMask;
    const m5 = (w3 >>> 14) | (1 << 18);

    let d0 = h0 * q0 + h1 * q5w + h2 * q4w + h3 * q3w + h4 * q2w + h5 * q1w;
    let d1 = h0 * q1 + h1 * q0 + h2 * q5w + h3 * q4w + h4 * q3w + h5 * q2w;
    let d2 = h0 * q2 + h1 * q1 + h2 * q0 + h3 * q5w + h4 * q4w + h5 * q3w;
    let d3 = h0 * q3 + h1 * q2 + h2 * q1 + h3 * q0 + h4 * q5w + h5 * q4w;
    let d4 = h0 * q4 + h1 * q3 + h2 * q2 + h3 * q1 + h4 * q0 + h5 * q5w;
    let d5 = h0 * q5 + h1 * q4 + h2 * q3 + h3 * q2 + h4 * q1 + h5 * q0;
    d0 += m0 * r0 + m1 * r5w + m2 * r4w + m3 * r3w + m4 * r2w + m5 * r1w;
    d1 += m0 * r1 + m1 * r0 + m2 * r5w + m3 * r4w + m4 * r3w + m5 * r2w;
    d2 += m0 * r2 + m1 * r1 + m2 * r0 + m3 * r5w + m4 * r4w + m5 * r3w;
    d3 += m0 * r3 + m1 * r2 + m2 * r1 + m3 * r0 + m4 * r5w + m5 * r4w;
    d4 += m0 * r4 + m1 * r3 + m2 * r2 + m3 * r1 + m4 * r0 + m5 * r5w;
    d5 += m0 * r5 + m1 * r4 + m2 * r3 + m3 * r2 + m4 * r1 + m5 * r0;

    // Two chains of carries, 0→1→2→3→4 and 3→4→5→0→1, side by side.
    let c = d0 + carryMagic - carryMagic;
    let e = d3 + carryMagic - carryMagic;
    d0 -= c;
    d1 += c * perLimb;
    d3 -= e;
    d4 += e * perLimb;
    c = d1 + carryMagic - carryMagic;
    e = d4 + carryMagic - carryMagic;
    d1 -= c;
    d2 += c * perLimb;
    d4 -= e;
    d5 += e * perLimb;
    c = d2 + carryMagic - carryMagic;
    e = d5 + carryMagic - carryMagic;
    d2 -= c;
    d3 += c * perLimb;
    d5 -= e;
    d0 += e * perLimb * overflowFactor;
    c = d3 + carryMagic - carryMagic;
    e = d0 + carryMagic - carryMagic;
    h3 = d3 - c;
    h4 = d4 + c * perLimb;
    h0 = d0 - e;
    h1 = d1 + e * perLimb;
    h2 = d2;
    h5 = d5;
  }

  let h = fromLimbs([h0, h1, h2, h3, h4, h5]);
  for (let at = pairsEnd; at < message.length; at += blockBytes) {
    const block = message.subarray(at, at + blockBytes);
    // Each block gets a one after its last byte, so that blocks which differ in trailing zeros differ.
    h = ((h + toInteger(block) + (1n << BigInt(8 * block.length))) * r) % prime;
  }
  return ((h % prime) + prime) % prime;
}

type Limbs = readonly [number, number, number, number, number, number];

function toLimbs(value: bigint): Limbs {
  const limb = (index: number) => Number((value >> BigInt(limbBits * index)) & BigInt(limbMask));
  return [limb(0), limb(1), limb(2), limb(3), limb(4), limb(5)];
}

function fromLimbs(limbs: Limbs): bigint {
  return limbs.reduceRight((sum, limb) => (sum << BigInt(limbBits)) + BigInt(limb), 0n);
}

/** Little-endian; no bytes are 0. */
function toInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toReversed().toHex()}`);
}

function fromInteger(value: bigint): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * blockBytes, "0")).reverse();
}
