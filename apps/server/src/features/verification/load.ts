import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Transfers } from "../../gateway/index.ts";

/** Whether others want something of this process or of the storage, so that verification should keep out of their way. */
export interface Load extends Disposable {
  isBusy(): boolean;
}

/** The process answers everybody this much later: it has enough to do. Reading at full speed by itself delays it by a few milliseconds. */
const loopDelayMaxMs = 25;
const loopResolutionMs = 10;

export function measureLoad(transfers: Pick<Transfers, "isActive">): Load {
  const delay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delay.enable();
  let lateSince = 0;
  let checkedAt = performance.now();
  return {
    isBusy: () => {
      const now = performance.now();
      // The mean of at least a second: one slow moment is none.
      if (now - checkedAt > 1000) {
        const delayMs = Number.isNaN(delay.mean) ? 0 : delay.mean / 1e6 - loopResolutionMs;
        lateSince = delayMs > loopDelayMaxMs ? now : lateSince;
        delay.reset();
        checkedAt = now;
      }
      return transfers.isActive() || (lateSince > 0 && now - lateSince < 5000);
    },
    [Symbol.dispose]: () => void delay.disable(),
  };
}
