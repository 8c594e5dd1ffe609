import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchStall } from "./stall-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what does not move for the whole time is given up as store-unavailable", () => {
  using watch = watchStall("Reading config in rest:https://host/", 300_000, undefined);
  vi.advanceTimersByTime(299_999);
  expect(watch.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(watch.signal.reason).toMatchObject({
    code: "store-unavailable",
    message: "Reading config in rest:https://host/: nothing moved for 300 seconds, so it was given up",
  });
});

test("what drips is slow, not stalled: each progress starts the time again", () => {
  using watch = watchStall("Reading", 1000, undefined);
  for (let n = 0; n < 50; n++) {
    vi.advanceTimersByTime(999);
    watch.progress();
  }
  expect(watch.signal.aborted).toBe(false);
});

test("the caller's signal ends it with the caller's reason", () => {
  const caller = new AbortController();
  using watch = watchStall("Reading", 1000, caller.signal);
  caller.abort("enough");
  expect(watch.signal.reason).toBe("enough");
});

test("after its scope no timer is left, whatever still moves", () => {
  {
    using watch = watchStall("Reading", 1000, undefined);
    watch.progress();
  }
  expect(vi.getTimerCount()).toBe(0);
});

test("progress that comes after its scope starts nothing", () => {
  let late: () => void;
  {
    using watch = watchStall("Reading", 1000, undefined);
    late = watch.progress;
  }
  late();
  expect(vi.getTimerCount()).toBe(0);
});
