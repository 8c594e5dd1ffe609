import type { Schedule } from "@saveos/contract";
import { cronWindowsFrom } from "./cron-windows.ts";
import { dailyWindowsFrom } from "./daily-windows.ts";
import type { Window } from "./window.ts";

/** The windows of a schedule on the clock of a time zone, in their order, from the first that may hold `momentMs`. */
export function windowsFrom(schedule: Schedule, timeZone: string, momentMs: number): Iterable<Window> {
  switch (schedule.kind) {
    case "cron":
      return cronWindowsFrom(schedule, timeZone, momentMs);
    case "daily":
      return dailyWindowsFrom(schedule, timeZone, momentMs);
  }
}
