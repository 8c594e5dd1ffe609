import { expect, test } from "vitest";
import { scratch } from "./scratch.ts";

const megabyte = 1024 * 1024;

test("the memory has the length asked for, and is the same again and again", () => {
  const first = scratch(100_000);
  const second = scratch(10);
  expect([first.length, second.length, scratch(0).length]).toEqual([100_000, 10, 0]);
  expect(second.buffer).toBe(first.buffer);
});

test("it grows to what a sealed chunk needs, and what is longer is not kept", () => {
  const chunk = scratch(8 * megabyte + 32);
  expect(chunk.length).toBe(8 * megabyte + 32);
  const tree = scratch(50 * megabyte);
  expect(tree.length).toBe(50 * megabyte);
  expect(scratch(8 * megabyte + 32).buffer).toBe(chunk.buffer);
});
