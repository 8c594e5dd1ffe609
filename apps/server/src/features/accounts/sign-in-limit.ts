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

  /**
   * Counts a try, or refuses it with 429 after too many wrong ones. It counts before the password is looked at: of many guesses that come at the same moment, none
   * knows yet how the others end.
   */
  count(account: string, address: string): void {
    const now = this.#clock.now().getTime();
    const key = keyOf(account, address);
    const known = this.#failures.get(key);
    const tries = known !== undefined && known.until > now ? known : { count: 0, until: now + windowMs };
    if (tries.count >= failuresMax) throw tooMany(tries.until - now);
    this.#failures.delete(key);
    this.#failures.set(key, { count: tries.count + 1, until: now + windowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > entriesMax && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** The password was right. */
  forget(account: string, address: string): void {
    this.#failures.delete(keyOf(account, address));
  }
}

function keyOf(account: string, address: string): string {
  return `${address} ${account}`;
}

function tooMany(leftMs: number): ProblemError {
  const seconds = Math.ceil(leftMs / 1000);
  return new ProblemError(429, `Too many wrong passwords. Try again in ${Math.ceil(seconds / 60)} minutes.`, {
    headers: { "retry-after": String(seconds) },
  });
}
