import type { CronExpression } from "./cron-expression.ts";
import { nextMatchingDay, yearsAwayMax } from "./cron-match.ts";

const minutesADay = 24 * 60;

/** Any will do: the days that an expression names come again and again, or never. */
const someDay = Temporal.PlainDate.from("2000-01-01");

/** Some expressions are well written and yet name no day, such as 30 February. */
export function happensEver(cron: CronExpression): boolean {
  return nextMatchingDay(cron, someDay) !== undefined;
}

/** The shortest time between two runs while nobody changes the clock. `Infinity` if there are never two within two days. */
export function shortestIntervalMinutes(cron: CronExpression): number {
  const today = cron.hours.flatMap((hour) => cron.minutes.map((minute) => hour * 60 + minute));
  const firstOfTomorrow = minutesADay + (today[0] ?? 0);
  const minutes = namesTwoDaysInARow(cron) ? [...today, firstOfTomorrow] : today;
  return Math.min(...minutes.slice(1).map((minute, index) => minute - (minutes[index] ?? 0)));
}

function namesTwoDaysInARow(cron: CronExpression): boolean {
  let day = nextMatchingDay(cron, someDay);
  while (day !== undefined && day.year < someDay.year + yearsAwayMax) {
    const tomorrow = day.add({ days: 1 });
    const next = nextMatchingDay(cron, tomorrow);
    if (next?.equals(tomorrow)) return true;
    day = next;
  }
  return false;
}
