import type { Abortable } from "./abortable.ts";

/** The time, passed in so that tests can own it. */
export interface Clock {
  /** Nanoseconds since 1970-01-01 UTC. */
  nowNs(): bigint;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, options?: Abortable): Promise<void>;
}

const nsPerMs = 1_000_000n;

/** The machine's own clock. */
export const systemClock: Clock = {
  nowNs: () => BigInt(Date.now()) * nsPerMs,
  sleep: async (ms, { signal } = {}) => {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
