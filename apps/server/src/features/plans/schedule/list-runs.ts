import type { Schedule } from "@saveos/contract";
import { type Machine, nextRun } from "./next-run.ts";

interface Period {
  readonly from: Date;
  readonly to: Date;
  /** As many runs as the reader wants to see. */
  readonly max: number;
}

/** When a machine begins from `from` until before `to`, at most `max` times. */
export function listRuns(schedule: Schedule, { timeZone, seed, from, to, max }: Machine & Period): Date[] {
  const runs: Date[] = [];
  let run = nextRun(schedule, { timeZone, seed, after: new Date(from.getTime() - 1) });
  while (run !== undefined && run < to && runs.length < max) {
    runs.push(run);
    run = nextRun(schedule, { timeZone, seed, after: run });
  }
  return runs;
}
