import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { ProgressDisplay } from "./progress-display.ts";
import type { Progress } from "./progress-text.ts";

test("progress is shown at most once an interval, however often it changes", async () => {
  const clock = new ManualClock();
  const shown: Progress[] = [];
  await using display = new ProgressDisplay({ clock, intervalMs: 100, show: (progress) => shown.push(progress) });
  for (let count = 0; count < 50; count += 1) {
    display.update({ filesDone: count, bytesDone: count });
    await clock.advance(10);
  }
  expect(shown).toHaveLength(5);
});

test("the time goes on while nothing changes", async () => {
  const clock = new ManualClock();
  const shown: Progress[] = [];
  await using display = new ProgressDisplay({ clock, intervalMs: 100, show: (progress) => shown.push(progress) });
  display.update({ filesDone: 1, bytesDone: 1 });
  await clock.advance(1000);
  expect(shown.at(-1)?.secondsElapsed).toBe(1);
});

test("the speed is that of the last seconds, not of the whole", async () => {
  const clock = new ManualClock();
  const shown: Progress[] = [];
  await using display = new ProgressDisplay({ clock, intervalMs: 0, show: (progress) => shown.push(progress) });
  for (let second = 1; second <= 60; second += 1) {
    await clock.advance(1000);
    display.update({ filesDone: 0, bytesDone: second <= 30 ? second * 1_000_000 : 30_000_000 + (second - 30) * 1000 });
  }
  expect(shown.at(-1)?.bytesPerSecond).toBe(1000);
});
