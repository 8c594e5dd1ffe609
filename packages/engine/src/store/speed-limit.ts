import type { Abortable } from "../flow/abortable.ts";
import type { Clock } from "../flow/clock.ts";
import { EngineError } from "../errors/engine-error.ts";
import type { Pace } from "./pace.ts";

/** Bytes a second, always or by the time (ms since 1970): undefined is as fast as it goes, 0 that nothing moves. */
export type Speed = number | ((atMs: number) => number | undefined);

/** One limit that all transfers in one direction share. */
export interface SpeedLimit {
  /** Rejects with `pausedError` when a pause begins. */
  readonly pace: Pace;
  /** Resolves at once, or when the pause is over. */
  untilMoving(options: Abortable): Promise<void>;
}

/** A pause began: what is under way is given up, since no connection lasts as long as a pause may. */
export const pausedError = new EngineError("store-unavailable", "The speed limit is 0 now: transfers wait");

/** What passes at once: small enough that no burst is seen and a window's edge is kept, large enough for a timer. */
const pieceSeconds = 0.05;

/** At very high limits too, a piece is no more than a system call takes. */
const pieceMaxBytes = 256 * 1024;

/** A pause is looked at again so often: windows begin and end at whole minutes, and somebody may set the machine's clock. */
const pauseCheckMs = 5000;

/** What a machine that was busy may catch up with; more would be a burst after a sleep of the machine. */
const lateMaxSeconds = 0.25;

/**
 * Lets bytes pass one piece after the other, in the order in which they were asked for, so that parallel transfers get equal shares. A
 * piece passes when the last of its bytes would have. Time in which nobody asks is not saved up; time by which a timer woke late is, so
 * the average holds. It counts spans and no dates: a clock that is set does not stall it. Throws `invalid-input` for a constant speed
 * that is not positive.
 */
export function speedLimit(clock: Clock, speed: Speed): SpeedLimit {
  if (typeof speed === "number" && !(speed > 0 && speed < Infinity)) {
    throw new EngineError("invalid-input", `A speed limit must be more than 0 bytes a second, not ${speed}`);
  }
  const bytesPerSecond = typeof speed === "number" ? () => speed : () => speed(Number(clock.nowNs() / nsPerMs));
  let lastInLine: Promise<void> = Promise.resolve();
  /** By how much the last piece passed later than it might have; below 0 if earlier. */
  let lateSeconds = 0;

  async function passFirstInLine(wantedBytes: number, { signal }: Abortable): Promise<number> {
    signal?.throwIfAborted();
    const rate = bytesPerSecond();
    if (rate === undefined) return wantedBytes;
    if (rate === 0) throw pausedError;
    const bytes = Math.min(wantedBytes, pieceMaxBytes, Math.max(1, Math.round(rate * pieceSeconds)));
    const waitSeconds = bytes / rate - lateSeconds;
    const sleptSeconds = waitSeconds > 0 ? await sleep(waitSeconds, signal) : 0;
    lateSeconds = Math.max(-lateMaxSeconds, Math.min(sleptSeconds - waitSeconds, lateMaxSeconds));
    if (bytesPerSecond() === 0) throw pausedError;
    return bytes;
  }

  async function sleep(seconds: number, signal: AbortSignal | undefined): Promise<number> {
    const startNs = clock.nowNs();
    await clock.sleep(seconds * 1000, { signal });
    return Number(clock.nowNs() - startNs) / nsPerSecond;
  }

  return {
    async pace(wantedBytes, options = {}) {
      const before = lastInLine;
      const passed = Promise.withResolvers<void>();
      lastInLine = before.then(() => passed.promise);
      try {
        await orAborted(before, options.signal);
        return await passFirstInLine(wantedBytes, options);
      } finally {
        passed.resolve();
      }
    },
    async untilMoving(options) {
      while (bytesPerSecond() === 0) await clock.sleep(pauseCheckMs, options);
    },
  };
}

const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000;

/** Waits for `promise`, which never rejects, or rejects with the signal's reason. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
