import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { Clock } from "../flow/clock.ts";
import type { ObjectStore } from "./object-store.ts";

export interface LimitOptions {
  readonly clock: Clock;
  /** Undefined: as fast as it goes. */
  readonly uploadBytesPerSecond?: number | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
}

/**
 * The same store, with its uploads and downloads together kept to a speed on average, whatever runs at once. An object still goes in one
 * burst: an upload waits before it for the time its bytes may take, a download after it. Throws `invalid-input` for a limit that is
 * not positive.
 */
export function withLimit(
  store: ObjectStore,
  { clock, uploadBytesPerSecond, downloadBytesPerSecond }: LimitOptions,
): ObjectStore {
  const upload = turnstile(clock, uploadBytesPerSecond);
  const download = turnstile(clock, downloadBytesPerSecond);
  return {
    label: store.label,
    create: (options) => store.create(options),
    async put(name, bytes, options = {}) {
      await upload(bytes.length, options);
      await store.put(name, bytes, options);
    },
    async get(name, options = {}) {
      const bytes = await store.get(name, options);
      await download(bytes.length, options);
      return bytes;
    },
    size: (name, options) => store.size(name, options),
    list: (kind, options) => store.list(kind, options),
    delete: (name, options) => store.delete(name, options),
  };
}

const nsPerSecond = 1_000_000_000;
const nsPerMs = 1_000_000;

/**
 * A token bucket without a reserve: bytes pass one after the other, each call resolves when the last of its bytes would have passed.
 * Idle time is not saved up, so the speed is never exceeded after a pause.
 */
function turnstile(
  clock: Clock,
  bytesPerSecond: number | undefined,
): (bytes: number, options: Abortable) => Promise<void> {
  if (bytesPerSecond === undefined) return async () => undefined;
  if (!(bytesPerSecond > 0) || !Number.isFinite(bytesPerSecond)) {
    throw new EngineError("invalid-input", `A speed limit must be more than 0 bytes a second, not ${bytesPerSecond}`);
  }
  let freeAtNs = 0n;
  return async (bytes, { signal }) => {
    const nowNs = clock.nowNs();
    const startNs = freeAtNs > nowNs ? freeAtNs : nowNs;
    freeAtNs = startNs + BigInt(Math.round((bytes / bytesPerSecond) * nsPerSecond));
    const waitMs = Number(freeAtNs - nowNs) / nsPerMs;
    if (waitMs > 0) await clock.sleep(waitMs, { signal });
  };
}
