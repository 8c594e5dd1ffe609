import { type Schedule, weekday } from "@saveos/contract";
import type { Window } from "./window.ts";
import { clockTimeAt, firstMomentAt, hasDay } from "./zone-clock.ts";

type DailySchedule = Extract<Schedule, { kind: "daily" }>;

/** The windows of all open days, in their order, from the first that may hold `momentMs`. */
export function* dailyWindowsFrom(schedule: DailySchedule, timeZone: string, momentMs: number): Generator<Window> {
  // Yesterday's window may reach past midnight.
  let day = clockTimeAt(timeZone, momentMs).toPlainDate().subtract({ days: 1 });
  for (; ; day = day.add({ days: 1 })) {
    if (isOpen(schedule, day) && hasDay(timeZone, day)) yield windowOf(schedule, timeZone, day);
  }
}

function isOpen({ days }: DailySchedule, day: Temporal.PlainDate): boolean {
  const name = weekday.options[day.dayOfWeek - 1];
  return days === undefined || days.some((open) => open === name);
}

/** From the first moment at which the clock shows `from` to the first at which it shows `to`. */
function windowOf({ from, to }: DailySchedule, timeZone: string, day: Temporal.PlainDate): Window {
  const opens = day.toPlainDateTime(from);
  const closes = day.add({ days: to > from ? 0 : 1 }).toPlainDateTime(to);
  const opensAtMs = firstMomentAt(timeZone, opens);
  const realMs = firstMomentAt(timeZone, closes) - opensAtMs;
  // A window that the clock leaps over as a whole opens right after the leap, for as long as it was meant to be.
  const spreadMs = realMs === 0 ? opens.until(closes).total("milliseconds") : realMs;
  return { opensAtMs, closesAtMs: opensAtMs + spreadMs, spreadMs };
}
