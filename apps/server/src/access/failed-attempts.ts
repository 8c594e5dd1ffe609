import type { Clock } from "../clock.ts";

/** More wrong credentials than a person or a misconfigured agent sends by mistake. */
export const failuresMax = 20;
const windowMs = 60_000;

/** A bound for memory: an attacker may have more addresses than we have room for. The oldest are forgotten first. */
const addressesMax = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

/**
 * Counts wrong credentials for each address. Beyond the limit they are answered with 429 and no longer logged one by one, so that guessing fills neither the
 * log nor the disk. A true credential is let in from any address at any time: behind one address there may be a whole company, and one agent
 * with an old credential must not lock out the others. Guessing is hopeless without any limit: secrets have 256 random bits.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one more; tells how many there were from this address within the window, and how many seconds remain of it. */
  add(address: string): { readonly count: number; readonly secondsLeft: number } {
    const now = this.#clock.now().getTime();
    const known = this.#byAddress.get(address);
    const failures = known !== undefined && now - known.since < windowMs ? known : { count: 0, since: now };
    failures.count += 1;
    this.#byAddress.delete(address);
    this.#byAddress.set(address, failures);
    if (this.#byAddress.size > addressesMax) this.#forgetOldest();
    return { count: failures.count, secondsLeft: Math.ceil((failures.since + windowMs - now) / 1000) };
  }

  #forgetOldest(): void {
    for (const address of this.#byAddress.keys()) {
      this.#byAddress.delete(address);
      return;
    }
  }
}
