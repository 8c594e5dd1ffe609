import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.ts";

test("the memory of a chunk is given back", () => {
  const chunk = new Uint8Array(16_384);
  freeMemory(chunk);
  expect(chunk.length).toBe(0);
});

test("what shares its memory with something else is left alone", () => {
  const whole = new Uint8Array([1, 2, 3, 4]);
  freeMemory(whole.subarray(1, 3));
  expect(whole).toEqual(new Uint8Array([1, 2, 3, 4]));
});
