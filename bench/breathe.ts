import { setImmediate } from "node:timers/promises";

/** Lets the event loop have a turn amid long synchronous work, so that Ctrl-C is heard and the progress line is drawn. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
