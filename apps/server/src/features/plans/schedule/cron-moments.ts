import type { CronExpression } from "./cron-expression.ts";
import { nextMatch } from "./cron-match.ts";
import { clockTimeAt, firstMomentAt, hasDay, nextChangeAfter } from "./zone-clock.ts";

const minuteMs = 60_000;

/** The moments after `afterMs` that the expression names on the clock of a time zone, in their order. */
export function cronMomentsAfter(cron: CronExpression, timeZone: string, afterMs: number): Generator<number> {
  const runsEveryHour = cron.hours.length === 24;
  return runsEveryHour ? momentsOfEveryHour(cron, timeZone, afterMs) : momentsOfTimes(cron, timeZone, afterMs);
}

/**
 * Each time that is named comes once on each day, whatever is done to the clock: of a time shown twice the first is meant, and what is leapt over comes right
 * after the leap, all at once, as in Vixie cron.
 */
function* momentsOfTimes(cron: CronExpression, timeZone: string, afterMs: number): Generator<number> {
  let lastMs = afterMs;
  let time = nextMatch(cron, clockTimeAt(timeZone, afterMs));
  while (time !== undefined) {
    const momentMs = firstMomentAt(timeZone, time);
    if (momentMs > lastMs && hasDay(timeZone, time.toPlainDate())) yield (lastMs = momentMs);
    time = nextMatch(cron, time.add({ minutes: 1 }));
  }
}

/**
 * What runs in every hour comes whenever the clock shows it, the second time too, and not for what is leapt over: an hour that is shown twice is two real
 * ones, one that is leapt over is none, so the time between two runs stays the same.
 */
function* momentsOfEveryHour(cron: CronExpression, timeZone: string, afterMs: number): Generator<number> {
  let fromMs = afterMs + 1;
  for (;;) {
    const time = clockTimeAt(timeZone, fromMs);
    const match = nextMatch(cron, time);
    if (match === undefined) return;
    const momentMs = fromMs + time.until(match).total("milliseconds");
    const changeMs = nextChangeAfter(timeZone, fromMs);
    if (changeMs !== undefined && changeMs <= momentMs) {
      fromMs = changeMs;
    } else {
      yield momentMs;
      fromMs = momentMs + minuteMs;
    }
  }
}
