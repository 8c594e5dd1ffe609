import type { Schedule } from "@saveos/contract";
import { placeOf } from "./place.ts";
import { windowsFrom } from "./windows.ts";

export interface Machine {
  /** An IANA name such as `Europe/Paris`: runs go by the machine's own clock. */
  readonly timeZone: string;
  /** Gives the machine its place among all those of the plan, such as `<plan id>/<agent id>`. */
  readonly seed: string;
}

/**
 * The first moment after `after` at which a machine begins; `undefined` if it never does. Whatever `after` is, a moment is one of the same sequence: a server that
 * was off or whose clock was put forward misses all runs but the next.
 */
export function nextRun(
  schedule: Schedule,
  { timeZone, seed, after }: Machine & { readonly after: Date },
): Date | undefined {
  const place = placeOf(seed);
  for (const { opensAtMs, spreadMs } of windowsFrom(schedule, timeZone, after.getTime())) {
    const begin = new Date(opensAtMs + Math.floor((place * spreadMs) / 1000) * 1000);
    if (begin > after) return begin;
  }
  return undefined;
}
