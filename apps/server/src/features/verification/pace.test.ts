import { describe, expect, test } from "vitest";
import { Pace } from "./pace.ts";
import { jumpingStopwatch } from "./testing/verified-world.ts";

const { signal } = new AbortController();

describe("a pace", () => {
  test("lets as many bytes through in a second as it says", async () => {
    const stopwatch = jumpingStopwatch();
    const pace = new Pace(() => 1000, stopwatch);
    for (let read = 0; read < 60_000; read += 100) await pace.spend(100, signal);
    expect(stopwatch.nowMs).toBeGreaterThan(59_900);
    expect(stopwatch.nowMs).toBeLessThan(60_100);
  });

  test("doesn't make good for time in which nothing was read", async () => {
    const stopwatch = jumpingStopwatch();
    const pace = new Pace(() => 1000, stopwatch);
    stopwatch.nowMs += 3_600_000;
    await pace.spend(10_000, signal);
    expect(stopwatch.nowMs).toBeCloseTo(3_610_000, -2);
  });

  test("takes up another speed while it waits", async () => {
    const stopwatch = jumpingStopwatch();
    const pace = new Pace(() => (stopwatch.nowMs < 5000 ? 10 : 1_000_000), stopwatch);
    await pace.spend(1000, signal);
    expect(stopwatch.nowMs).toBeLessThan(6000);
  });

  test("stops waiting when it is told to", async () => {
    const stopping = new AbortController();
    const pace = new Pace(() => 1);
    const waiting = pace.spend(1_000_000, stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toThrow("aborted");
    await expect(pace.spend(1, stopping.signal)).rejects.toThrow("aborted");
  });
});
