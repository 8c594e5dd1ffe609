import { EngineError } from "../errors/engine-error.ts";

/** As long as restic waits: a link that is merely slow moves a few bytes in that time, one that is dead does not. */
export const stallTimeoutDefaultMs = 5 * 60 * 1000;

/** Cancels one request that no longer moves. Lives in a `using` scope. */
export interface StallWatch extends Disposable {
  /** Aborts on the caller's signal, with its reason, or on a stall, with `store-unavailable`. */
  readonly signal: AbortSignal;
  /** Something moved: the time starts again. */
  readonly progress: () => void;
}

/** Starts the time. `action` is for the message: `Reading config from rest:https://…`. */
export function watchStall(action: string, timeoutMs: number, callerSignal: AbortSignal | undefined): StallWatch {
  const stalled = new AbortController();
  const give = () => {
    const seconds = Math.round(timeoutMs / 1000);
    stalled.abort(
      new EngineError("store-unavailable", `${action}: nothing moved for ${seconds} seconds, so it was given up`),
    );
  };
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(give, timeoutMs);
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    signal: callerSignal === undefined ? stalled.signal : AbortSignal.any([callerSignal, stalled.signal]),
    progress: () => {
      // The last bytes of an upload may be taken after its answer came.
      if (timer === undefined) return;
      stop();
      timer = setTimeout(give, timeoutMs);
    },
    [Symbol.dispose]: stop,
  };
}
