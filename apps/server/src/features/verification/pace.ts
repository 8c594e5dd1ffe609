import { setTimeout as sleep } from "node:timers/promises";

/** How a pace passes the time. */
export interface Stopwatch {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Rejects when `signal` says so. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const realStopwatch: Stopwatch = {
  now: () => performance.now(),
  wait: async (ms, signal) => await sleep(ms, undefined, { signal }),
};

/** Timers are no more exact than some milliseconds, so less than this is not waited for but owed. */
const leastWaitMs = 5;
/** The speed may change while something waits. */
const longestWaitMs = 500;

/** Keeps a reader to a speed, which may change at any time. */
export class Pace {
  readonly #bytesPerSecond: () => number;
  readonly #stopwatch: Stopwatch;
  #owedBytes = 0;
  #settledAt: number;

  constructor(bytesPerSecond: () => number, stopwatch: Stopwatch = realStopwatch) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#stopwatch = stopwatch;
    this.#settledAt = stopwatch.now();
  }

  /** Ends when a reader that has just read `bytes` may go on. Rejects when `signal` says so. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#settle();
    this.#owedBytes += bytes;
    for (let waitMs = this.#settle(); waitMs >= leastWaitMs; waitMs = this.#settle()) {
      await this.#stopwatch.wait(Math.min(waitMs, longestWaitMs), signal);
    }
  }

  /** Pays for what was read with the time that passed; time in which nothing was read buys nothing. Returns how long the rest takes. */
  #settle(): number {
    const now = this.#stopwatch.now();
    const bytesPerMs = this.#bytesPerSecond() / 1000;
    this.#owedBytes = Math.max(0, this.#owedBytes - (now - this.#settledAt) * bytesPerMs);
    this.#settledAt = now;
    return this.#owedBytes / bytesPerMs;
  }
}
