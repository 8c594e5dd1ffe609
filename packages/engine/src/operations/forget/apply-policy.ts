import { daysFromDate } from "../../format/calendar.ts";
import { parseTime, type Zone, zoneOf } from "../../format/time.ts";
import { hasTags } from "../snapshots.ts";
import { type CalendarSpan, earlierBy, formatCalendarSpan } from "./calendar-span.ts";
import { type KeepCount, type Period, periods, type Policy, saidSpan, tagsText } from "./policy.ts";

/** What a policy looks at. */
export interface DatedSnapshot {
  /** RFC 3339: it is the clocks of the snapshot's own zone that tell its day and its month. */
  readonly time: string;
  readonly tags: readonly string[];
}

export interface KeptSnapshot<Snapshot> {
  readonly snapshot: Snapshot;
  /** Every rule that keeps it, in restic's words: `daily snapshot`, `oldest yearly snapshot`, `within 1y5m`, … */
  readonly reasons: readonly string[];
}

export interface AppliedPolicy<Snapshot> {
  /** Newest first; those of one moment in the order given. */
  readonly keep: readonly KeptSnapshot<Snapshot>[];
  /** Likewise. */
  readonly remove: readonly Snapshot[];
}

export interface Today {
  /** Snapshots from after this moment don't count as the newest, from which spans are counted back: a wrong clock made them. */
  readonly nowNs: bigint;
  /** The zone of this machine: restic counts months back by its rules where they agree with the newest snapshot's own offset. */
  readonly zone: Zone;
}

/**
 * Which snapshots of a group a policy keeps, and why: the same answers as restic's `forget`. Rules don't know of each other, and a snapshot may use up a
 * count of several. While a rule still has counts left it keeps the group's oldest snapshot as well, so that a history becomes no shorter than it must.
 */
export function applyPolicy<Snapshot extends DatedSnapshot>(
  snapshots: readonly Snapshot[],
  policy: Policy,
  today: Today,
): AppliedPolicy<Snapshot> {
  const newestFirst = snapshots
    .map((snapshot) => ({ snapshot, timeNs: parseTime(snapshot.time) }))
    .toSorted((a, b) => (a.timeNs === b.timeNs ? 0 : a.timeNs < b.timeNs ? 1 : -1));
  const rules = rulesOf(policy, (span) => startOf(span, newestFirst, today));
  const keep: KeptSnapshot<Snapshot>[] = [];
  const remove: Snapshot[] = [];
  for (const [nr, { snapshot, timeNs }] of newestFirst.entries()) {
    const candidate = { ...snapshot, nr, timeNs, isOldest: nr === newestFirst.length - 1 };
    const reasons = rules.flatMap((rule) => rule(candidate));
    if (reasons.length > 0) keep.push({ snapshot, reasons });
    else remove.push(snapshot);
  }
  return { keep, remove };
}

interface Candidate extends DatedSnapshot {
  /** How many are newer. */
  readonly nr: number;
  readonly timeNs: bigint;
  readonly isOldest: boolean;
}

/** Asked of each snapshot, newest first: why it is to be kept, if at all. */
type Rule = (candidate: Candidate) => readonly string[];

/** In restic's order, which is that of the reasons. */
function rulesOf(
  { last, counts, within, periodsWithin, tagLists = [] }: Policy,
  startOfSpan: (span: CalendarSpan) => bigint,
): Rule[] {
  const rules: Rule[] = tagLists.map(
    (tags) => (candidate) => (hasTags(candidate, tags) ? [`has tags ${tagsText(tags)}`] : []),
  );
  const span = saidSpan(within);
  if (span) rules.push(inSpan(startOfSpan(span), () => [`within ${formatCalendarSpan(span)}`]));
  rules.push(newestOfEach("last snapshot", ({ nr }) => nr, last));
  for (const period of periods) rules.push(newestOfEach(`${period} snapshot`, bucketOf[period], counts?.[period]));
  for (const period of periods) {
    const span = saidSpan(periodsWithin?.[period]);
    if (!span) continue;
    const rule = newestOfEach(`${period} within`, bucketOf[period], "unlimited");
    rules.push(inSpan(startOfSpan(span), (at) => rule(at).map((reason) => `${reason} ${formatCalendarSpan(span)}`)));
  }
  return rules;
}

function inSpan(startNs: bigint, rule: Rule): Rule {
  return (candidate) => (candidate.timeNs > startNs ? rule(candidate) : []);
}

function newestOfEach(reason: string, bucketOf: (candidate: Candidate) => string | number, count: KeepCount = 0): Rule {
  let left = count === "unlimited" ? Infinity : count;
  let before: string | number | undefined;
  return (candidate) => {
    if (left === 0) return [];
    const bucket = bucketOf(candidate);
    const isNew = bucket !== before;
    if (!isNew && !candidate.isOldest) return [];
    before = bucket;
    left -= 1;
    return [isNew ? reason : `oldest ${reason}`];
  };
}

/** The period that a snapshot is in, by the clocks of its own zone, which its text shows. */
const bucketOf: Record<Period, (snapshot: DatedSnapshot) => string | number> = {
  hourly: ({ time }) => time.slice(0, "2024-01-31T08".length),
  daily: ({ time }) => time.slice(0, "2024-01-31".length),
  weekly: mondayOf,
  monthly: ({ time }) => time.slice(0, "2024-01".length),
  yearly: ({ time }) => time.slice(0, "2024".length),
};

/** The Monday of its week, in days since 1970: the weeks of ISO 8601 begin on Monday. */
function mondayOf({ time }: DatedSnapshot): number {
  const day = daysFromDate(Number(time.slice(0, 4)), Number(time.slice(5, 7)), Number(time.slice(8, 10)));
  const thursday = 0; // 1970-01-01, the third day after a Monday.
  return day - ((((day - thursday + 3) % 7) + 7) % 7);
}

/** From when on a span lasts that ends with the newest snapshot that is not from the future. */
function startOf(
  span: CalendarSpan,
  newestFirst: readonly { readonly snapshot: DatedSnapshot; readonly timeNs: bigint }[],
  { nowNs, zone }: Today,
): bigint {
  const newest = newestFirst.find(({ timeNs }) => timeNs < nowNs);
  // Where all are from the future every span is too long to leave any out, as in restic.
  const { time } = newest?.snapshot ?? { time: "0001-01-01T00:00:00Z" };
  return earlierBy(parseTime(time), zoneOf(time, zone), span);
}
