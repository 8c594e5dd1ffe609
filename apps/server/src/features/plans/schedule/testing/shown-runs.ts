import type { Schedule } from "@saveos/contract";
import { listRuns } from "../list-runs.ts";

/** The runs from one moment to another as the machine's clock shows them, such as `2026-03-29T03:00+02:00`. */
export function shownRuns(schedule: Schedule, timeZone: string, from: string, to: string): string[] {
  const at = (time: string) => new Date(Temporal.PlainDateTime.from(time).toZonedDateTime(timeZone).epochMilliseconds);
  const runs = listRuns(schedule, { timeZone, seed: "plan/agent", from: at(from), to: at(to), max: 1000 });
  return runs.map((run) =>
    Temporal.Instant.fromEpochMilliseconds(run.getTime()).toString({ timeZone, smallestUnit: "minute" }),
  );
}

/** A cron schedule whose machines all begin at once. */
export function cron(expression: string): Schedule {
  return { kind: "cron", expression, spread_minutes: 0 };
}
