/** Wakes one waiter, now or at its next wait: a ring is never lost. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if it was rung since the last wait, and when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const onAbort = () => resolve();
      signal.addEventListener("abort", onAbort);
      await promise;
      // The signal lives as long as the daemon: a listener for every ring would pile up.
      signal.removeEventListener("abort", onAbort);
    }
    this.#wake = undefined;
    this.#rung = false;
  }
}
