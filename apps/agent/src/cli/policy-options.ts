import { type Command, Option } from "commander";
import type { CalendarSpan, Policy } from "@saveos/engine";
import { collectTags, parseKeepCount } from "./parse-values.ts";

type Count = ReturnType<typeof parseKeepCount>;

export interface PolicyOptions {
  readonly keepLast?: Count;
  readonly keepHourly?: Count;
  readonly keepDaily?: Count;
  readonly keepWeekly?: Count;
  readonly keepMonthly?: Count;
  readonly keepYearly?: Count;
  readonly keepWithin?: string;
  readonly keepWithinHourly?: string;
  readonly keepWithinDaily?: string;
  readonly keepWithinWeekly?: string;
  readonly keepWithinMonthly?: string;
  readonly keepWithinYearly?: string;
  readonly keepTag?: readonly (readonly string[])[];
}

/** Adds the `--keep-…` options, with restic's names and letters. */
export function addPolicyOptions(command: Command): Command {
  const count = (flags: string, what: string) =>
    command.addOption(new Option(`${flags} <n>`, `keep the last n ${what}, or unlimited`).argParser(parseKeepCount));
  const span = (flags: string, what: string) => command.addOption(new Option(`${flags} <duration>`, what));
  count("-l, --keep-last", "snapshots");
  count("-H, --keep-hourly", "hourly snapshots");
  count("-d, --keep-daily", "daily snapshots");
  count("-w, --keep-weekly", "weekly snapshots");
  count("-m, --keep-monthly", "monthly snapshots");
  count("-y, --keep-yearly", "yearly snapshots");
  span("--keep-within", "keep all snapshots of so long before the newest, such as 1y5m7d2h");
  span("--keep-within-hourly", "keep hourly snapshots of so long before the newest");
  span("--keep-within-daily", "keep daily snapshots of so long before the newest");
  span("--keep-within-weekly", "keep weekly snapshots of so long before the newest");
  span("--keep-within-monthly", "keep monthly snapshots of so long before the newest");
  span("--keep-within-yearly", "keep yearly snapshots of so long before the newest");
  return command.addOption(
    new Option("--keep-tag <tags>", "keep snapshots with these tags, such as a,b (repeatable)").argParser(collectTags),
  );
}

/** The policy that the options say. `parseSpan` is passed in: the engine is loaded late, so that the help comes at once. */
export function policyOf(options: PolicyOptions, parseSpan: (text: string) => CalendarSpan): Policy {
  const span = (text: string | undefined) => (text === undefined ? undefined : parseSpan(text));
  return {
    last: options.keepLast,
    counts: {
      hourly: options.keepHourly,
      daily: options.keepDaily,
      weekly: options.keepWeekly,
      monthly: options.keepMonthly,
      yearly: options.keepYearly,
    },
    within: span(options.keepWithin),
    periodsWithin: {
      hourly: span(options.keepWithinHourly),
      daily: span(options.keepWithinDaily),
      weekly: span(options.keepWithinWeekly),
      monthly: span(options.keepWithinMonthly),
      yearly: span(options.keepWithinYearly),
    },
    tagLists: options.keepTag,
  };
}
