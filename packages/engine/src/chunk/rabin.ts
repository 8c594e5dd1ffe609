import { EngineError } from "../errors/engine-error.ts";
import { degreeOf, polynomialDegree, remainder } from "./polynomial.ts";

/** The fingerprint covers so many bytes. */
export const windowBytes = 64;

/**
 * The tables that slide a window over bytes, for one polynomial. Fingerprints have 53 bits, so they and the tables are pairs of a high
 * (21-bit) and a low 32-bit half. One step is, for the byte that comes in and the byte that leaves the window:
 *
 *     fingerprint ← (fingerprint · x^8 + incoming) + reduceTop[top 8 bits of fingerprint] + dropOld[leaving]      modulo the polynomial
 */
export interface RabinTables {
  /** By the fingerprint's top 8 bits t: t · x^53 modulo the polynomial, and t · x^53 itself to clear the bits that overflowed. */
  readonly reduceTopHigh: Uint32Array;
  readonly reduceTopLow: Uint32Array;
  /** By the leaving byte b: b · x^(8 · 64), its share after the step, modulo the polynomial. */
  readonly dropOldHigh: Uint32Array;
  readonly dropOldLow: Uint32Array;
}

let lastPolynomial: bigint | undefined;
let lastTables: RabinTables | undefined;

/**
 * The tables of a polynomial. Those made last are kept: a repository has one polynomial, and making them takes a millisecond.
 * Throws `corrupt-data` unless its degree is 53.
 */
export function rabinTables(polynomial: bigint): RabinTables {
  if (lastTables === undefined || lastPolynomial !== polynomial) {
    lastTables = makeTables(polynomial);
    lastPolynomial = polynomial;
  }
  return lastTables;
}

function makeTables(polynomial: bigint): RabinTables {
  if (degreeOf(polynomial) !== polynomialDegree)
    throw new EngineError(
      "corrupt-data",
      `The chunker polynomial ${polynomial.toString(16)} is not of degree ${polynomialDegree}`,
    );
  const overflowing = multiplesModulo(1n << BigInt(polynomialDegree), polynomial);
  const reduceTop = overflowing.map((reduced, top) => reduced | (BigInt(top) << BigInt(polynomialDegree)));
  const dropOld = multiplesModulo(1n << BigInt(8 * windowBytes), polynomial);
  return {
    reduceTopHigh: Uint32Array.from(reduceTop, highHalf),
    reduceTopLow: Uint32Array.from(reduceTop, lowHalf),
    dropOldHigh: Uint32Array.from(dropOld, highHalf),
    dropOldLow: Uint32Array.from(dropOld, lowHalf),
  };
}

/** `factor` times each of the 256 bytes. Only multiples by one bit are reduced, the others are their sums. */
function multiplesModulo(factor: bigint, polynomial: bigint): bigint[] {
  const multiples = [0n];
  let byOneBit = remainder(factor, polynomial);
  while (multiples.length < 256) {
    const highest = byOneBit;
    multiples.push(...multiples.map((lower) => lower ^ highest));
    byOneBit = remainder(byOneBit << 1n, polynomial);
  }
  return multiples;
}

function highHalf(value: bigint): number {
  return Number(value >> 32n);
}

function lowHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}
