import type { Abortable } from "../../flow/abortable.ts";
import type { Clock } from "../../flow/clock.ts";

interface Sleeper {
  readonly untilNs: bigint;
  readonly wake: () => void;
}

const nsPerMs = 1_000_000n;

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowNs: bigint;
  readonly #sleepers = new Set<Sleeper>();

  /** `startNs`: nanoseconds since 1970; 2023-11-14T22:13:20Z if left out. */
  constructor(startNs = 1_700_000_000_000_000_000n) {
    this.#nowNs = startNs;
  }

  nowNs(): bigint {
    return this.#nowNs;
  }

  async sleep(ms: number, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { untilNs: this.#nowNs + BigInt(Math.ceil(ms)) * nsPerMs, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Moves the time on and wakes those whose time has come, then lets everything that follows from it run. */
  async advance(ms: number): Promise<void> {
    this.#nowNs += BigInt(ms) * nsPerMs;
    for (const { untilNs, wake } of this.#sleepers) if (untilNs <= this.#nowNs) wake();
    await settled();
  }
}

/** A store call, its sealing and its listing take a few turns each. */
const settleRounds = 20;

/** Resolves when what was under way in this thread, without waiting for a disk or a network, has run. */
export async function settled(): Promise<void> {
  for (let round = 0; round < settleRounds; round++) await new Promise((resolve) => setImmediate(resolve));
}
