import type { Clock } from "../clock.ts";

/** A clock that stands still until the test moves it. */
export interface TestClock extends Clock {
  advance(by: { readonly hours?: number; readonly minutes?: number; readonly seconds?: number }): void;
}

export function testClock(start = "2030-01-01T12:00:00Z"): TestClock {
  let nowMs = Date.parse(start);
  return {
    now: () => new Date(nowMs),
    advance: ({ hours = 0, minutes = 0, seconds = 0 }) => {
      nowMs += ((hours * 60 + minutes) * 60 + seconds) * 1000;
    },
  };
}
