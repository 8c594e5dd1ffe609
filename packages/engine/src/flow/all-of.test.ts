import { expect, test } from "vitest";
import { allOf } from "./all-of.ts";

const never = new AbortController().signal;

test("it ends when all tasks have ended", async () => {
  const ended: number[] = [];
  const slow = Promise.withResolvers<void>();
  const all = allOf(never, [
    async () => {
      await slow.promise;
      ended.push(1);
    },
    async () => {
      ended.push(2);
      slow.resolve();
    },
  ]);
  await all;
  expect(ended).toEqual([2, 1]);
});

test("one that fails stops the others, which are awaited, and its failure is told", async () => {
  let isStopped = false;
  const all = allOf(never, [
    () => Promise.reject(new RangeError("lost")),
    (signal) =>
      new Promise((_, reject) => {
        const stop = () => {
          isStopped = true;
          reject(new Error("stopped"));
        };
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop);
      }),
  ]);
  await expect(all).rejects.toThrow("lost");
  expect(isStopped).toBe(true);
});

test("the caller's signal is every task's", async () => {
  const caller = new AbortController();
  caller.abort(new Error("enough"));
  const task = (signal: AbortSignal) => Promise.resolve().then(() => signal.throwIfAborted());
  await expect(allOf(caller.signal, [task, task])).rejects.toThrow("enough");
});
