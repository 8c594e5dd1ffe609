import { setImmediate } from "node:timers/promises";

/** Longer than this at a stretch, and timers, sockets and signals would notice. */
const stretchMaxMs = 20;

/**
 * Lets synchronous work breathe: `pauseIfDue()` gives nothing as long as the current stretch is short, and otherwise a promise that
 * resolves after the event loop had its turn. Await it only if it is there: that keeps the usual case free.
 */
export class EventLoopBreather {
  #stretchStartMs = performance.now();

  pauseIfDue(): Promise<void> | undefined {
    if (performance.now() - this.#stretchStartMs < stretchMaxMs) return undefined;
    return this.#pause();
  }

  async #pause(): Promise<void> {
    await setImmediate();
    this.#stretchStartMs = performance.now();
  }
}
