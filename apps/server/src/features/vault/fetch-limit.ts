import type { Clock } from "../../clock.ts";
import { ProblemError } from "../../http/problem.ts";

/** What somebody who opens the vault all day needs, and what is worth a question when it isn't enough. */
const fetchesMax = 60;
const windowMs = 15 * 60_000;
/** A bound for memory. The oldest are forgotten first. */
const entriesMax = 10_000;

/** Counts what a caller fetches of what opens something. Each process counts for itself. */
export class FetchLimit {
  readonly #clock: Clock;
  readonly #fetches = new Map<string, { count: number; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one, or refuses it with 429 after too many. */
  count(caller: string): void {
    const now = this.#clock.now().getTime();
    const known = this.#fetches.get(caller);
    const fetches = known !== undefined && known.until > now ? known : { count: 0, until: now + windowMs };
    if (fetches.count >= fetchesMax) throw tooMany(fetches.until - now);
    fetches.count += 1;
    this.#fetches.delete(caller);
    this.#fetches.set(caller, fetches);
    const [oldest] = this.#fetches.keys();
    if (this.#fetches.size > entriesMax && oldest !== undefined) this.#fetches.delete(oldest);
  }
}

function tooMany(leftMs: number): ProblemError {
  const seconds = Math.ceil(leftMs / 1000);
  const detail = `The vault's locked identities were fetched more than ${fetchesMax} times. Try again in ${Math.ceil(seconds / 60)} minutes.`;
  return new ProblemError(429, detail, { headers: { "retry-after": String(seconds) } });
}
