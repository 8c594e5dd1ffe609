import type { Clock } from "@saveos/engine";
import { nowMs } from "../host/clock.ts";

/** How the server's clock and the machine's differ, as the last answered heartbeat told. */
export class ServerClock {
  readonly #clock: Clock;
  #aheadMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Negative if the machine's is ahead; undefined while the server never answered. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }

  /** The server just said what time it is, RFC 3339. The answer's way takes far less than what matters. */
  note(serverTime: string): void {
    this.#aheadMs = Date.parse(serverTime) - nowMs(this.#clock);
  }
}
