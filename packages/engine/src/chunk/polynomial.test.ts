import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { degreeOf, isIrreducible, polynomialDegree, randomPolynomial, remainder } from "./polynomial.ts";

test.each([0x3da3358b4dc173n, 0x2482734cacca49n, 0x249d0c971a3a5fn])("%s is irreducible", (polynomial) => {
  expect(isIrreducible(polynomial)).toBe(true);
});

test.each([0x38f1e565e288dfn, 0x30a8295b9d5c91n, 0x255f4350b962cbn, 0x3da3358b4dc171n, 0x20000000000001n])(
  "%s is not irreducible",
  (polynomial) => {
    expect(isIrreducible(polynomial)).toBe(false);
  },
);

test("the irreducible polynomials of small degree are those that a sieve finds", () => {
  const found: bigint[] = [];
  for (let candidate = 2n; candidate < 512n; candidate++) {
    const isPrime = found.every((divisor) => remainder(candidate, divisor) !== 0n);
    if (isPrime) found.push(candidate);
    expect(isIrreducible(candidate)).toBe(isPrime);
  }
});

test("what is no polynomial of a usable degree is not irreducible, and takes no time", () => {
  for (const none of [0n, 1n, -7n, 1n << 64n, (1n << 100_000n) + 1n]) expect(isIrreducible(none)).toBe(false);
});

test("a new polynomial is irreducible, of degree 53, and another one each time", () => {
  const first = randomPolynomial(nodePrimitives.randomBytes);
  expect(degreeOf(first)).toBe(polynomialDegree);
  expect(isIrreducible(first)).toBe(true);
  expect(randomPolynomial(nodePrimitives.randomBytes)).not.toBe(first);
});

test("random bytes are taken in little-endian order, and draws that are reducible are passed over", () => {
  const draws = [0x38f1e565e288dfn, 0x3da3358b4dc173n | (0x7ffn << 53n)];
  const drawn = randomPolynomial(() => new Uint8Array(new BigUint64Array([draws.shift() ?? 0n]).buffer));
  expect(drawn).toBe(0x3da3358b4dc173n);
});
