import type { Schedule } from "@saveos/contract";
import type { Window } from "./window.ts";
import { windowsFrom } from "./windows.ts";

/**
 * The window in which a run that is due at `due` was to begin; after it, the run is late. `undefined` if no window holds `due`: another schedule or zone gave it.
 */
export function windowOf(
  schedule: Schedule,
  { timeZone, due }: { readonly timeZone: string; readonly due: Date },
): { opensAt: Date; closesAt: Date } | undefined {
  let found: Window | undefined;
  for (const window of windowsFrom(schedule, timeZone, due.getTime())) {
    if (window.opensAtMs > due.getTime()) break;
    // Two windows hold one moment only where a leap of the clock brings them together: the later then, so that nobody is called late too soon.
    if (window.closesAtMs > due.getTime()) found = window;
  }
  return found && { opensAt: new Date(found.opensAtMs), closesAt: new Date(found.closesAtMs) };
}
