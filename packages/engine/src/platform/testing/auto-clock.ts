import type { Abortable } from "../../flow/abortable.ts";
import type { Clock } from "../../flow/clock.ts";

/** A clock on which sleeping takes no real time: each sleep moves it on. For tests that only need things to go on. */
export function autoClock(startNs = 1_700_000_000_000_000_000n): Clock {
  let nowNs = startNs;
  return {
    nowNs: () => nowNs,
    sleep: async (ms, { signal }: Abortable = {}) => {
      signal?.throwIfAborted();
      // A long sleep waits in the background for the end of its operation; only short ones are in somebody's way.
      if (ms >= backgroundSleepMs) await untilAborted(signal);
      nowNs += BigInt(Math.ceil(ms)) * 1_000_000n;
    },
  };
}

const backgroundSleepMs = 5 * 60_000;

async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
