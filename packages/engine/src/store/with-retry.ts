import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Clock } from "../flow/clock.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** At most so many tries of one call, the first included; without it, as many as fit into 15 minutes. */
  readonly attempts?: number | undefined;
  /** Told before each wait. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
  /** Aborted when the store is closed: a call that still runs then is not tried again. */
  readonly closed?: AbortSignal | undefined;
  /** From 0 up to 1; `Math.random` unless told. */
  readonly random?: (() => number) | undefined;
}

/** A call that failed and will be tried again. */
export interface Retry {
  /** What was tried: `put data/1f…`. */
  readonly call: string;
  /** 1 after the first failure. */
  readonly failures: number;
  readonly error: EngineError;
  readonly delayMs: number;
}

/** As restic: a first wait of 1 s, then twice as long each time, half as much more or less so that many clients don't come back at once. */
const firstDelayMs = 1000;
const delayGrowth = 2;
const jitter = 0.5;
/** A server that comes back is noticed within a minute or so. */
const delayMaxMs = 60_000;
/** As restic: long enough for a restart or a moved cable; a backup that waits longer is better reported. */
const totalMaxMs = 15 * 60 * 1000;
/** Bytes damaged on the way come right the second time; damaged where they lie, they never do. */
const triesOfCorrupt = 2;

/**
 * The same store, with calls that failed for now (`store-unavailable`) tried again after a growing wait, and reads and uploads that came
 * out damaged (`corrupt-data`) tried once more. Everything else is final, as are the caller's aborts.
 */
export function withRetry(store: ObjectStore, options: RetryOptions): ObjectStore {
  const retry = <Result>(call: string, signal: AbortSignal | undefined, run: () => Promise<Result>) =>
    retried(options, call, signal, run);
  const { localFiles: files } = store;

  return {
    label: store.label,
    uploadsAtOnce: store.uploadsAtOnce,
    create: (opts) => retry("create", opts?.signal, () => store.create(opts)),
    localFiles: files && {
      ...files,
      put: (name, file, opts) => retry(`put ${name}`, opts?.signal, () => files.put(name, file, opts)),
    },
    put: (name, bytes, opts) => retry(`put ${name}`, opts?.signal, () => store.put(name, bytes, opts)),
    get: (name, opts) => retry(`get ${name}`, opts?.signal, () => store.get(name, opts)),
    size: (name, opts) => retry(`size ${name}`, opts?.signal, () => store.size(name, opts)),
    delete: (name, opts) => retry(`delete ${name}`, opts?.signal, () => store.delete(name, opts)),
    async *list(kind, opts) {
      // A listing starts anew after a failure: what was already handed out must not come twice.
      const handedOut = new Set<string>();
      let listing: AsyncIterator<StoredObject> | undefined;
      const next = async () => {
        listing ??= store.list(kind, opts)[Symbol.asyncIterator]();
        try {
          return await listing.next();
        } catch (error) {
          listing = undefined;
          throw error;
        }
      };
      try {
        for (;;) {
          const result = await retry(`list ${kind}`, opts?.signal, next);
          if (result.done === true) return;
          if (handedOut.has(result.value.id)) continue;
          handedOut.add(result.value.id);
          yield result.value;
        }
      } finally {
        await listing?.return?.();
      }
    },
  };
}

async function retried<Result>(
  { clock, attempts = Infinity, closed, onRetry, random = Math.random }: RetryOptions,
  call: string,
  signal: AbortSignal | undefined,
  run: () => Promise<Result>,
): Promise<Result> {
  const startedNs = clock.nowNs();
  for (let failures = 1; ; failures++) {
    try {
      return await run();
    } catch (error) {
      if (!mayRetry(error, failures) || failures >= attempts || closed?.aborted === true) throw error;
      const delayMs = delayAfter(failures, random());
      const endMs = Number((clock.nowNs() - startedNs) / 1_000_000n) + delayMs;
      // One more try is made even after a single very long one.
      if (failures > 1 && attempts === Infinity && endMs > totalMaxMs) throw error;
      onRetry?.({ call, failures, error, delayMs });
      await clock.sleep(delayMs, { signal: either(signal, closed) });
    }
  }
}

function either(signal: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return signal === undefined || other === undefined ? (signal ?? other) : AbortSignal.any([signal, other]);
}

function mayRetry(error: unknown, failures: number): error is EngineError {
  if (isEngineError(error, "store-unavailable")) return true;
  return isEngineError(error, "corrupt-data") && failures < triesOfCorrupt;
}

function delayAfter(failures: number, random: number): number {
  const delayMs = Math.min(firstDelayMs * delayGrowth ** (failures - 1), delayMaxMs);
  return Math.round(delayMs * (1 - jitter + 2 * jitter * random));
}
