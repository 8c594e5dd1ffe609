import { expect, test } from "vitest";
import { testClock } from "../../testing/test-clock.ts";
import { inSteps } from "./in-steps.ts";

test("all that is found is worked on, some at once, until nothing is found any more", async () => {
  const left = Array.from({ length: 250 }, (_, item) => item);
  let working = 0;
  let most = 0;
  const isDone = await inSteps(
    testClock(),
    async (limit) => left.slice(0, limit),
    async (item) => {
      most = Math.max(most, (working += 1));
      await Promise.resolve();
      left.splice(left.indexOf(item), 1);
      working -= 1;
    },
  );
  expect([isDone, left, most]).toEqual([true, [], 4]);
});

test("a step that has taken long enough ends, and the next one goes on", async () => {
  const clock = testClock();
  const left = Array.from({ length: 10 }, (_, item) => item);
  const step = async () =>
    await inSteps(
      clock,
      async (limit) => left.slice(0, limit),
      async (item) => {
        left.splice(left.indexOf(item), 1);
        clock.advance({ seconds: 5 });
      },
    );
  expect([await step(), left.length]).toEqual([false, 6]);
  expect([await step(), left.length]).toEqual([false, 2]);
  expect([await step(), left.length]).toEqual([true, 0]);
});
