import * as fc from "fast-check";
import { expect, test } from "vitest";
import { pacedParts, pacedPieces, passAll } from "./pace.ts";

/** Allows what the list says, one after the other and from the start again. */
function paceOf(allowances: readonly number[]) {
  const allowed: number[] = [];
  const pace = async (wantedBytes: number) => {
    allowed.push(Math.min(wantedBytes, allowances[allowed.length % allowances.length] ?? 1));
    return allowed.at(-1) ?? 1;
  };
  return { pace, allowed };
}

const someAllowances = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

test("pieces join to the bytes, none is larger than was allowed or than its limit, and they are views", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 60 }),
      someAllowances,
      async (bytes, pieceMaxBytes, allowances) => {
        const { pace, allowed } = paceOf(allowances);
        const pieces = await Array.fromAsync(pacedPieces(bytes, pieceMaxBytes, { pace }));
        expect(pieces.map((piece) => piece.length)).toEqual(allowed);
        expect(new Uint8Array(pieces.flatMap((piece) => [...piece]))).toEqual(bytes);
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(pieceMaxBytes);
          expect(piece.buffer).toBe(bytes.buffer);
        }
      },
    ),
  );
});

test("parts pass unchanged, each when all of it may", async () => {
  const { pace, allowed } = paceOf([4]);
  const parts = [new Uint8Array(6), new Uint8Array(0), new Uint8Array(3)];
  async function* body() {
    yield* parts;
  }
  expect(await Array.fromAsync(pacedParts(body(), { pace }))).toEqual(parts);
  expect(allowed).toEqual([4, 2, 3]);
});

test("without a pace nothing is held up", async () => {
  await passAll(1e12, {});
  expect(await Array.fromAsync(pacedPieces(new Uint8Array(10), 10, {}))).toEqual([new Uint8Array(10)]);
});
