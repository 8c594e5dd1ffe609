import { expect, test } from "vitest";
import { Window, type WindowPlace } from "./window.ts";

test("values leave in the order of their places, whenever they come", async () => {
  const window = new Window<number>();
  const [first, second, third] = [window.reserve(), window.reserve(), window.reserve()];
  third.settle(3);
  second.settle(2);
  const taken = window.take();
  first.settle(1);
  expect(await taken).toEqual([1, 2, 3]);
  expect(window.size).toBe(0);
});

test("only what has nothing before it leaves", async () => {
  const window = new Window<string>();
  const [first, second, third] = [window.reserve(), window.reserve(), window.reserve()];
  expect(window.isFirstReady).toBe(false);
  third.settle("third");
  expect(window.isFirstReady).toBe(false);
  first.settle("first");
  expect(window.isFirstReady).toBe(true);
  expect(await window.take()).toEqual(["first"]);
  expect(window.isFirstReady).toBe(false);
  second.settle("second");
  expect(await window.take()).toEqual(["second", "third"]);
});

test("a failure comes in its turn, and what follows it can still be had", async () => {
  const window = new Window<number>();
  const [first, second, third] = [window.reserve(), window.reserve(), window.reserve()];
  second.fail(new RangeError("lost"));
  third.settle(3);
  first.settle(1);
  expect(await window.take()).toEqual([1]);
  await expect(window.take()).rejects.toThrow("lost");
  expect(await window.take()).toEqual([3]);
});

test("thousands of values keep their order while they come and go", async () => {
  const window = new Window<number>();
  const waiting: { place: WindowPlace<number>; value: number }[] = [];
  const left: number[] = [];
  for (let value = 0; value < 5000; value++) {
    waiting.push({ place: window.reserve(), value });
    if (waiting.length < 7) continue;
    // Backwards, seven by seven.
    for (const { place, value: late } of waiting.splice(0).toReversed()) place.settle(late);
    if (window.size > 100) left.push(...(await window.take()));
  }
  for (const { place, value } of waiting) place.settle(value);
  while (window.size > 0) left.push(...(await window.take()));
  expect(left).toEqual(Array.from({ length: 5000 }, (_, value) => value));
});
