import type { Schedule } from "@saveos/contract";
import { type CronExpression, CronExpressionError, parseCronExpression } from "./cron-expression.ts";
import { happensEver, shortestIntervalMinutes } from "./cron-interval.ts";

/** Why a schedule can't be used, as a sentence for the person who wrote it; `undefined` if it can. */
export function checkSchedule(schedule: Schedule): string | undefined {
  if (schedule.kind === "daily") return undefined;
  try {
    return checkCron(parseCronExpression(schedule.expression), schedule.spread_minutes);
  } catch (error) {
    if (error instanceof CronExpressionError) return error.message;
    throw error;
  }
}

function checkCron(cron: CronExpression, spreadMinutes: number): string | undefined {
  if (!happensEver(cron)) return "No month that this names has such a day: it would never run.";
  const intervalMinutes = shortestIntervalMinutes(cron);
  if (spreadMinutes <= intervalMinutes) return undefined;
  // One run's window would reach into the next one's.
  return `A run begins ${intervalMinutes} minutes after another: machines can't be spread over ${spreadMinutes} minutes.`;
}
