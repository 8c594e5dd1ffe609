import type { Clock } from "../../clock.ts";
import { ProblemError } from "../../http/problem.ts";

/** What a person who mistypes needs, and what makes guessing hopeless: at most some 500 passwords a day. */
const failuresMax = 5;
const windowMs = 15 * 60_000;
/** A bound for memory. The oldest are forgotten first. */
const entriesMax = 50_000;

/**
 * Counts wrong passwords by account and address. An account is not locked for everybody: that would let anyone lock anyone out. Each process counts for itself, so
 * behind several the limit is as many times higher.
 */
export class SignInLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws 429 while there were too many. */
  require(email: string, address: string): void {
    const now = this.#clock.now().getTime();
    const found = this.#failures.get(keyOf(email, address));
    if (found === undefined || found.until <= now || found.count < failuresMax) return;
    const seconds = Math.ceil((found.until - now) / 1000);
    throw new ProblemError(429, `Too many wrong passwords. Try again in ${Math.ceil(seconds / 60)} minutes.`, {
      headers: { "retry-after": String(seconds) },
    });
  }

  /** Counts a wrong password. */
  count(email: string, address: string): void {
    const now = this.#clock.now().getTime();
    const key = keyOf(email, address);
    const known = this.#failures.get(key);
    const count = known !== undefined && known.until > now ? known.count + 1 : 1;
    this.#failures.delete(key);
    this.#failures.set(key, { count, until: now + windowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > entriesMax && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** The password was right after all. */
  forget(email: string, address: string): void {
    this.#failures.delete(keyOf(email, address));
  }
}

function keyOf(email: string, address: string): string {
  return `${address} ${email}`;
}
