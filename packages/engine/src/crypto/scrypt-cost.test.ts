import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import type { ScryptCost } from "./primitives.ts";
import { calibrateScrypt, checkScryptCost } from "./scrypt-cost.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });

test.each<ScryptCost>([
  { N: 32_768, r: 8, p: 1 },
  { N: 32_768, r: 8, p: 8 },
  { N: 32_768, r: 8, p: 128 },
  { N: 65_536, r: 8, p: 1 },
  { N: 131_072, r: 8, p: 1 },
  { N: 128, r: 1, p: 1 },
  { N: 2, r: 8, p: 1 },
])("a cost that restic or rustic may have written is accepted: %o", (cost) => {
  checkScryptCost(cost);
});

test.each<ScryptCost>([
  { N: 0, r: 8, p: 1 },
  { N: 1, r: 8, p: 1 },
  { N: 3, r: 8, p: 1 },
  { N: 1000, r: 8, p: 1 },
  { N: -2, r: 8, p: 1 },
  { N: 1024.5, r: 8, p: 1 },
  { N: Number.NaN, r: 8, p: 1 },
  { N: 1024, r: 0, p: 1 },
  { N: 1024, r: 8, p: 0 },
  { N: 1024, r: 8, p: 0.5 },
  { N: 2, r: 2 ** 15, p: 2 ** 15 },
])("a cost that scrypt does not know is refused: %o", (cost) => {
  expect(() => checkScryptCost(cost)).toThrow(corrupt);
});

test.each<ScryptCost>([
  { N: 2 ** 30, r: 8, p: 1 },
  { N: 2 ** 20, r: 8, p: 1 },
  { N: 2, r: 2 ** 24, p: 1 },
  { N: 32_768, r: 8, p: 100_000 },
  { N: 2 ** 52, r: 1, p: 1 },
])("a cost that would stop the machine is refused: %o", (cost) => {
  expect(() => checkScryptCost(cost)).toThrow("absurd");
});

/** Calibrates where one run of scrypt takes `runMs` at N = 32768, and in proportion at other costs. */
async function calibratedWhereARunTakes(runMs: number): Promise<ScryptCost> {
  let nowMs = 0;
  const primitives = {
    ...nodePrimitives,
    scrypt: (_password: Uint8Array, _salt: Uint8Array, { N, p }: ScryptCost) => {
      nowMs += (runMs * N * p) / 32_768;
      return Promise.resolve(new Uint8Array(64));
    },
  };
  return await calibrateScrypt(primitives, () => nowMs);
}

test("a new key costs half a second of scrypt on this machine, in as much memory as restic takes", async () => {
  expect(await calibratedWhereARunTakes(80)).toEqual({ N: 32_768, r: 8, p: 6 });
  expect(await calibratedWhereARunTakes(500)).toEqual({ N: 32_768, r: 8, p: 1 });
  expect(await calibratedWhereARunTakes(800)).toEqual({ N: 16_384, r: 8, p: 1 });
});

test("a slow machine does not get a weak key, nor a coarse clock an endless one", async () => {
  expect(await calibratedWhereARunTakes(60_000)).toEqual({ N: 16_384, r: 8, p: 1 });
  const cost = await calibratedWhereARunTakes(0);
  expect(cost).toEqual({ N: 32_768, r: 8, p: 128 });
  checkScryptCost(cost);
});
