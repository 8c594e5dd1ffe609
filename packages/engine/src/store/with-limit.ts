import type { Abortable } from "../flow/abortable.ts";
import type { Clock } from "../flow/clock.ts";
import type { ObjectName } from "../format/object-name.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Paced, passAll } from "./pace.ts";
import { pausedError, type Speed, type SpeedLimit, speedLimit } from "./speed-limit.ts";

export interface LimitOptions {
  readonly clock: Clock;
  /** Undefined: as fast as it goes. */
  readonly uploadBytesPerSecond?: Speed | undefined;
  readonly downloadBytesPerSecond?: Speed | undefined;
}

/**
 * The same store, with its uploads and downloads kept to a speed, each direction for itself, whatever runs at once. A speed by the time
 * changes under way. While it is 0 nothing moves: transfers that had begun are given up and begin anew afterwards. Locks are free: they
 * are small, and a lock that isn't renewed in a pause would end the work. Throws `invalid-input` for a limit that is not positive.
 */
export function withLimit(
  store: ObjectStore,
  { clock, uploadBytesPerSecond, downloadBytesPerSecond }: LimitOptions,
): ObjectStore {
  const upload = uploadBytesPerSecond === undefined ? undefined : speedLimit(clock, uploadBytesPerSecond);
  const download = downloadBytesPerSecond === undefined ? undefined : speedLimit(clock, downloadBytesPerSecond);
  return {
    label: store.label,
    uploadsAtOnce: store.uploadsAtOnce,
    // Whoever goes past the store goes past its limits.
    localFiles: upload === undefined && download === undefined ? store.localFiles : undefined,
    create: (options) => store.create(options),
    async put(name, bytes, options = {}) {
      if (upload === undefined || isFree(name)) return await store.put(name, bytes, options);
      await limited(upload, options, async (paced) => {
        await store.put(name, bytes, paced);
        return bytes;
      });
    },
    async get(name, options = {}) {
      if (download === undefined || isFree(name)) return await store.get(name, options);
      return await limited(download, options, (paced) => store.get(name, { ...options, ...paced }));
    },
    size: (name, options) => store.size(name, options),
    list: (kind, options) => store.list(kind, options),
    delete: (name, options) => store.delete(name, options),
  };
}

function isFree(name: ObjectName): boolean {
  return name.startsWith("locks/");
}

/** Runs a transfer at the pace of `limit`, again from its beginning after a pause. */
async function limited(
  limit: SpeedLimit,
  { signal }: Abortable,
  transfer: (paced: Paced) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  for (;;) {
    await limit.untilMoving({ signal });
    const paused = new AbortController();
    const either = signal === undefined ? paused.signal : AbortSignal.any([signal, paused.signal]);
    let pacedBytes = 0;
    const pace = async (wantedBytes: number) => {
      try {
        const allowed = await limit.pace(wantedBytes, { signal: either });
        pacedBytes += allowed;
        return allowed;
      } catch (error) {
        // The store is stopped by the signal: it may be busy elsewhere, or take this error for one of its network's.
        if (error === pausedError) paused.abort(pausedError);
        throw error;
      }
    };
    try {
      const bytes = await transfer({ signal: either, pace });
      await passRest(bytes.length - pacedBytes);
      return bytes;
    } catch (error) {
      if (error !== pausedError) throw error;
    }

    /** A store that doesn't ask, or not for all, has moved them in one go: what comes after waits for it. */
    async function passRest(bytesLeft: number): Promise<void> {
      await passAll(bytesLeft, { pace: limit.pace, signal }).catch((error: unknown) => {
        if (error !== pausedError) throw error;
      });
    }
  }
}
