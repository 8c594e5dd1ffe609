import { EngineError } from "../../errors/engine-error.ts";
import { type CalendarSpan, formatCalendarSpan, isNoTime } from "./calendar-span.ts";

/** How many to keep; 0 is as if nothing was said. */
export type KeepCount = number | "unlimited";

/** What a calendar divides time into; weeks are those of ISO 8601. */
export const periods = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Period = (typeof periods)[number];

/** Which snapshots of a group to keep (restic manual, "Removing snapshots according to a policy"): each that any of these rules keeps. */
export interface Policy {
  /** The newest so many. */
  readonly last?: KeepCount | undefined;
  /** The newest of each of the last so many hours, days, … that have any. */
  readonly counts?: Readonly<Partial<Record<Period, KeepCount | undefined>>> | undefined;
  /** All that are not older than this, counted back from the group's newest. */
  readonly within?: CalendarSpan | undefined;
  /** The newest of each hour, day, … of those that are not older than this. */
  readonly periodsWithin?: Readonly<Partial<Record<Period, CalendarSpan | undefined>>> | undefined;
  /** Those with all tags of one of these lists. A list of one empty tag means: no tags at all. */
  readonly tagLists?: readonly (readonly string[])[] | undefined;
}

/** Whether no rule says anything: then a policy keeps nothing. */
export function isEmptyPolicy(policy: Policy): boolean {
  return describePolicy(policy) === "";
}

/** Throws `invalid-input` for a count that is no whole number from 0. */
export function requireSensible({ last, counts }: Policy): void {
  for (const count of [last, ...periods.map((period) => counts?.[period])]) {
    if (count === undefined || count === "unlimited" || (Number.isSafeInteger(count) && count >= 0)) continue;
    throw new EngineError("invalid-input", `A policy can't keep ${count} snapshots`, {
      hint: 'Use a whole number from 0, or "unlimited".',
    });
  }
}

/** What a policy keeps, in the words that restic uses; empty for one without rules. */
export function describePolicy({ last, counts, within, periodsWithin, tagLists = [] }: Policy): string {
  const counted = [countText(last, "latest"), ...periods.map((period) => countText(counts?.[period], period))].filter(
    (text) => text !== "",
  );
  const inPeriods = periods.flatMap((period) => {
    const span = saidSpan(periodsWithin?.[period]);
    return span ? [`${period} snapshots within ${formatCalendarSpan(span)}`] : [];
  });
  const snapshots = [...(counted.length > 0 ? [`${counted.join(", ")} snapshots`] : []), ...inPeriods].join(", ");
  const span = saidSpan(within);
  return [
    ...(snapshots === "" ? [] : [snapshots]),
    ...(tagLists.length === 0 ? [] : [`all snapshots with tags [${tagLists.map(tagsText).join(" ")}]`]),
    ...(span ? [`all snapshots within ${formatCalendarSpan(span)} of the newest`] : []),
  ].join(" and ");
}

function countText(count: KeepCount | undefined, what: string): string {
  if (count === undefined || count === 0) return "";
  return `${count === "unlimited" ? "all" : count} ${what}`;
}

export function tagsText(tags: readonly string[]): string {
  return `[${tags.join(", ")}]`;
}

/** A span that says something; none and no time at all are the same. */
export function saidSpan(span: CalendarSpan | undefined): CalendarSpan | undefined {
  return span === undefined || isNoTime(span) ? undefined : span;
}
