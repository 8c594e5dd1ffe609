import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@saveos/engine";

const nsPerMs = 1_000_000n;

/** The machine's clock. The engine has the same; importing it would make `--help` wait for the engine. */
export const machineClock: Clock = {
  nowNs: () => BigInt(Date.now()) * nsPerMs,
  sleep: async (ms, { signal } = {}) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Milliseconds since 1970, where nanoseconds are too fine. */
export function nowMs(clock: Clock): number {
  return Number(clock.nowNs() / nsPerMs);
}

/** RFC 3339 in UTC, as the contract has it. */
export function nowText(clock: Clock): string {
  return new Date(nowMs(clock)).toISOString();
}
