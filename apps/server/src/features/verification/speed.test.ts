import { expect, test } from "vitest";
import { dueAfterMs, finishWithinSeconds, neededSpeed, politeSpeed, verifyWithinMs } from "./speed.ts";

const terabyte = 1_000_000_000_000;

test("the polite speed keeps the promise even if everything comes due at one moment", () => {
  const secondsForAll = (10 * terabyte) / politeSpeed(10 * terabyte);
  expect(dueAfterMs / 1000 + secondsForAll).toBeLessThan(verifyWithinMs / 1000);
  expect(secondsForAll).toBeLessThan(finishWithinSeconds);
});

test("the polite speed of little is one that no disk feels, and never none", () => {
  expect(politeSpeed(0)).toBe(1024 * 1024);
});

test("the speed that is needed reads all of it between two readings of the same byte", () => {
  expect(Math.round(neededSpeed(terabyte))).toBe(578_704);
});
