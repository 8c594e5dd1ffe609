import type { Clock } from "@saveos/engine";
import type { LiveLines } from "./live-lines.ts";
import type { Output } from "./output.ts";
import { type Progress, progressText } from "./progress-text.ts";
import { Speed } from "./speed.ts";
import type { Style } from "./style.ts";
import { fitEnd } from "./text-width.ts";

/** What is done and what there is to do, as the work tells it. */
export interface Counts {
  /** What is counted as files: `files` unless told. */
  readonly counted?: string | undefined;
  readonly filesDone: number;
  readonly bytesDone: number;
  readonly filesTotal?: number | undefined;
  readonly bytesTotal?: number | undefined;
  /** What is worked on now, safe to print. */
  readonly current?: readonly string[] | undefined;
}

export interface ProgressDisplayOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Shows how far it is. Called no more often than the interval. */
  readonly show: (progress: Progress, counts: Counts) => void;
}

/** Shows how far long work is: at its changes, but no more often than every interval, and at least every second or interval. */
export class ProgressDisplay implements AsyncDisposable {
  readonly #options: ProgressDisplayOptions;
  readonly #startedMs: number;
  readonly #speed = new Speed();
  readonly #stopped = new AbortController();
  readonly #ticking: Promise<void>;
  #counts: Counts = { filesDone: 0, bytesDone: 0 };
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
    this.#startedMs = this.#nowMs();
    this.#speed.note(this.#startedMs, 0);
    this.#ticking = this.#tick();
  }

  get secondsElapsed(): number {
    return (this.#nowMs() - this.#startedMs) / 1000;
  }

  update(counts: Counts): void {
    this.#counts = counts;
    if (this.#nowMs() - this.#shownMs >= this.#options.intervalMs) this.#show();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#ticking;
  }

  #show(): void {
    const nowMs = this.#nowMs();
    this.#shownMs = nowMs;
    this.#speed.note(nowMs, this.#counts.bytesDone);
    const { bytesPerSecond } = this.#speed;
    this.#options.show({ ...this.#counts, secondsElapsed: this.secondsElapsed, bytesPerSecond }, this.#counts);
  }

  /** So that the time goes on while one large upload does. */
  async #tick(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(tickMs, { signal });
      } catch {
        return;
      }
      if (this.#nowMs() - this.#shownMs >= Math.max(tickMs, this.#options.intervalMs)) this.#show();
    }
  }

  #nowMs(): number {
    return Number(this.#options.clock.nowNs() / 1_000_000n);
  }
}

const tickMs = 1_000;

/** Draws progress on a terminal: one line of numbers, and below it what is worked on now. */
export function drawProgress(live: LiveLines, output: Output, style: Style): ProgressDisplayOptions["show"] {
  return (progress, { current = [] }) => {
    // The last column stays free: some terminals wrap when it is written.
    const columns = output.columns - 1;
    const [first] = current;
    const numbers = progressText(progress, columns);
    live.draw(first === undefined ? [numbers] : [numbers, style.quiet(fitEnd(first, columns))]);
  };
}
