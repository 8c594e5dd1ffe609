import { expect, test } from "vitest";
import { Window } from "./window.ts";

test("values leave in the order in which they were added, whenever they are there", async () => {
  const window = new Window<number>();
  const late = Promise.withResolvers<number>();
  window.add(late.promise);
  window.add(2);
  window.add(Promise.resolve(3));
  late.resolve(1);
  expect([await window.next(), await window.next(), await window.next()]).toEqual([1, 2, 3]);
  expect(window.size).toBe(0);
});

test("it tells whether the first value is there without waiting for it", async () => {
  const window = new Window<string>();
  expect(window.isFirstReady).toBe(false);
  const late = Promise.withResolvers<string>();
  window.add(late.promise);
  window.add("there");
  expect(window.isFirstReady).toBe(false);
  late.resolve("late");
  await late.promise;
  expect(window.isFirstReady).toBe(true);
  await window.next();
  expect(window.isFirstReady).toBe(true);
});

test("a failure comes in its turn, and what follows it can still be had", async () => {
  const window = new Window<number>();
  window.add(1);
  window.add(Promise.reject(new RangeError("lost")));
  window.add(3);
  expect(await window.next()).toBe(1);
  await expect(window.next()).rejects.toThrow("lost");
  expect(await window.next()).toBe(3);
});

test("thousands of values keep their order while they come and go", async () => {
  const window = new Window<number>();
  const left: number[] = [];
  for (let value = 0; value < 5000; value++) {
    window.add(value % 3 === 0 ? Promise.resolve(value) : value);
    if (window.size > 100) left.push(await window.next());
  }
  while (window.size > 0) left.push(await window.next());
  expect(left).toEqual(Array.from({ length: 5000 }, (_, value) => value));
});
