import { expect, test } from "vitest";
import { testClock } from "../testing/test-clock.ts";
import { FailedAttempts } from "./failed-attempts.ts";

test("failures are counted for each address on its own", () => {
  const attempts = new FailedAttempts(testClock());
  expect(attempts.add("10.0.0.1").count).toBe(1);
  expect(attempts.add("10.0.0.1").count).toBe(2);
  expect(attempts.add("10.0.0.2").count).toBe(1);
});

test("an address begins anew a minute after its first failure", () => {
  const clock = testClock();
  const attempts = new FailedAttempts(clock);
  attempts.add("10.0.0.1");
  clock.advance({ seconds: 59 });
  expect(attempts.add("10.0.0.1")).toEqual({ count: 2, secondsLeft: 1 });
  clock.advance({ seconds: 1 });
  expect(attempts.add("10.0.0.1")).toEqual({ count: 1, secondsLeft: 60 });
});

test("an attacker with endless addresses makes the oldest forgotten, and memory stays bounded", () => {
  const attempts = new FailedAttempts(testClock());
  attempts.add("first");
  for (let i = 0; i < 10_000; i += 1) attempts.add(`2001:db8::${i}`);
  expect(attempts.add("first").count).toBe(1);
  expect(attempts.add("2001:db8::9999").count).toBe(2);
});
