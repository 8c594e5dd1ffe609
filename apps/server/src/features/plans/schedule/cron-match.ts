import type { CronExpression } from "./cron-expression.ts";

/** The longest that a day may be away: a 29 February that is a given day of the week, around a year such as 2100 that has none. */
export const yearsAwayMax = 40;

/** The first time at or after `from` that the expression names, by the calendar alone; `undefined` if there is none ever. */
export function nextMatch(cron: CronExpression, from: Temporal.PlainDateTime): Temporal.PlainDateTime | undefined {
  const minute = from.round({ smallestUnit: "minute", roundingMode: "ceil" });
  const today = minute.toPlainDate();
  const time = matchesDay(cron, today) ? nextTime(cron, minute) : undefined;
  if (time !== undefined) return today.toPlainDateTime(time);
  return nextMatchingDay(cron, today.add({ days: 1 }))?.toPlainDateTime(nextTime(cron, { hour: 0, minute: 0 }));
}

/** The first day at or after `from` that the expression names. */
export function nextMatchingDay(cron: CronExpression, from: Temporal.PlainDate): Temporal.PlainDate | undefined {
  let day = from;
  while (day.year <= from.year + yearsAwayMax) {
    if (!cron.months.includes(day.month)) day = day.with({ day: 1 }).add({ months: 1 });
    else if (matchesDay(cron, day)) return day;
    else day = day.add({ days: 1 });
  }
  return undefined;
}

function matchesDay(cron: CronExpression, { month, day, dayOfWeek }: Temporal.PlainDate): boolean {
  if (!cron.months.includes(month)) return false;
  const isDayOfMonth = cron.daysOfMonth.includes(day);
  const isDayOfWeek = cron.daysOfWeek.includes(dayOfWeek);
  return cron.needsBothDays ? isDayOfMonth && isDayOfWeek : isDayOfMonth || isDayOfWeek;
}

interface TimeOfDay {
  readonly hour: number;
  readonly minute: number;
}

function nextTime(cron: CronExpression, from: TimeOfDay): TimeOfDay | undefined {
  for (const hour of cron.hours.filter((hour) => hour >= from.hour)) {
    const minute = cron.minutes.find((minute) => hour > from.hour || minute >= from.minute);
    if (minute !== undefined) return { hour, minute };
  }
  return undefined;
}
