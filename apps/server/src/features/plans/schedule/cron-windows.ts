import type { Schedule } from "@saveos/contract";
import { parseCronExpression } from "./cron-expression.ts";
import { cronMomentsAfter } from "./cron-moments.ts";
import type { Window } from "./window.ts";

type CronSchedule = Extract<Schedule, { kind: "cron" }>;

const minuteMs = 60_000;

/** The windows of all times that the expression names, in their order, from the first that may hold `momentMs`. */
export function* cronWindowsFrom(schedule: CronSchedule, timeZone: string, momentMs: number): Generator<Window> {
  const spreadMs = schedule.spread_minutes * minuteMs;
  // Cron knows minutes: a run that begins within the one it was meant for is not late.
  const lengthMs = Math.max(spreadMs, minuteMs);
  const cron = parseCronExpression(schedule.expression);
  for (const opensAtMs of cronMomentsAfter(cron, timeZone, momentMs - lengthMs))
    yield { opensAtMs, closesAtMs: opensAtMs + lengthMs, spreadMs };
}
