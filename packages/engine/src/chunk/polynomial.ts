import { invariant } from "../errors/invariant.ts";

/**
 * Polynomials over GF(2) as integers: bit i is the coefficient of x^i. Adding is XOR. Each repository has its own random one, so that
 * where files are cut does not tell what is in them.
 */

/** The degree of a chunker polynomial; being prime, it makes one candidate in 26 irreducible. */
export const polynomialDegree = 53;

/** With one candidate in 26 irreducible, so many failures mean a broken random source and not bad luck. */
const maxTries = 1_000_000;

/** Draws the polynomial of a new repository: irreducible, of degree 53. `randomBytes` is a cryptographic source. */
export function randomPolynomial(randomBytes: (lengthBytes: number) => Uint8Array): bigint {
  for (let tries = 1; ; tries++) {
    invariant(tries <= maxTries, "a random source gives an irreducible polynomial within a million tries");
    const bytes = randomBytes(8);
    const random = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
    // The highest bit sets the degree. Without the lowest, x would divide it.
    const candidate = BigInt.asUintN(polynomialDegree, random) | (1n << BigInt(polynomialDegree)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/** Degrees beyond this don't occur; it bounds what a hostile config can make us compute. */
const maxDegree = 63;

/** Whether no polynomial but 1 and itself divides it (Ben-Or's test). False for constants and for degrees above 63. */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = degreeOf(polynomial);
  if (polynomial < 0n || degree < 1 || degree > maxDegree) return false;
  // x^(2^i) + x is the product of all irreducible polynomials whose degree divides i: any common factor is a divisor.
  const x = 2n;
  let power = remainder(x, polynomial);
  for (let i = 1; i <= degree >> 1; i++) {
    power = squareModulo(power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ x) !== 1n) return false;
  }
  return true;
}

/** The degree; −1 for zero. */
export function degreeOf(polynomial: bigint): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1;
}

/** What is left of `dividend` modulo `divisor`. */
export function remainder(dividend: bigint, divisor: bigint): bigint {
  const divisorDegree = degreeOf(divisor);
  invariant(divisorDegree >= 0, "nothing is divided by zero");
  let rest = dividend;
  // Bits above `at` are gone already.
  for (let at = degreeOf(dividend); at >= divisorDegree; at--)
    if (rest >> BigInt(at) !== 0n) rest ^= divisor << BigInt(at - divisorDegree);
  return rest;
}

/** Squaring over GF(2) only spreads the bits: (a + b)² = a² + b². */
function squareModulo(value: bigint, modulus: bigint): bigint {
  const spread = value.toString(2).split("").join("0");
  return remainder(BigInt(`0b${spread}`), modulus);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, remainder(a, b));
}
