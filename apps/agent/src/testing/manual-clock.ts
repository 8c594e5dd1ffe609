import type { Clock } from "@saveos/engine";

interface Sleeper {
  readonly wakeNs: bigint;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowNs: bigint;
  #sleepers: Sleeper[] = [];

  constructor(startMs = Date.UTC(2026, 0, 31, 8, 30)) {
    this.#nowNs = BigInt(startMs) * 1_000_000n;
  }

  nowNs(): bigint {
    return this.#nowNs;
  }

  async sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const sleeper = { wakeNs: this.#nowNs + BigInt(Math.round(ms)) * 1_000_000n, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Milliseconds until the first sleeper wakes. */
  get nextWakeMs(): number | undefined {
    const wakes = this.#sleepers.map(({ wakeNs }) => wakeNs).toSorted((a, b) => Number(a - b));
    return wakes[0] === undefined ? undefined : Number((wakes[0] - this.#nowNs) / 1_000_000n);
  }

  /** Moves on and wakes who is due; resolves when everything that this set off without waiting for the outside is done. */
  async advance(ms: number): Promise<void> {
    this.#nowNs += BigInt(ms) * 1_000_000n;
    const due = this.#sleepers.filter(({ wakeNs }) => wakeNs <= this.#nowNs);
    this.#sleepers = this.#sleepers.filter(({ wakeNs }) => wakeNs > this.#nowNs);
    for (const { wake } of due) wake();
    await settled();
  }
}

/** Resolves when all that is under way waits for something: a clock, a promise of the test. Files are waited for with `until`. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Resolves once `condition` holds: for work that goes through files, which take as long as they take. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled();
}
