import type { Retention } from "@saveos/contract";

export interface DatedSnapshot {
  readonly id: string;
  readonly receivedAt: Date;
}

export interface KeptSnapshots<Snapshot> {
  readonly keep: readonly { readonly snapshot: Snapshot; readonly reasons: readonly string[] }[];
  readonly remove: readonly Snapshot[];
}

/** The period that a time is in, such as its day: of each, the newest snapshot counts. Weeks begin on Monday (ISO 8601). */
const periods = {
  keep_hourly: { name: "hourly", of: (at: Date) => at.toISOString().slice(0, 13) },
  keep_daily: { name: "daily", of: (at: Date) => at.toISOString().slice(0, 10) },
  keep_weekly: { name: "weekly", of: weekOf },
  keep_monthly: { name: "monthly", of: (at: Date) => at.toISOString().slice(0, 7) },
  keep_yearly: { name: "yearly", of: (at: Date) => at.toISOString().slice(0, 4) },
} as const;

/**
 * Which snapshots stay by a retention, and why: restic's rules (restic manual, "Removing snapshots according to a policy"), by the times at which the server
 * received them, in UTC. A retention without any rule keeps all. While a rule has counts left it keeps the oldest snapshot as well, and `keep_within` counts
 * back from the newest, as restic does. An agent's `forget` gives the same answers for the same times, which a test of both shows.
 */
export function keptSnapshots<Snapshot extends DatedSnapshot>(
  snapshots: readonly Snapshot[],
  retention: Retention,
): KeptSnapshots<Snapshot> {
  const sorted = snapshots.toSorted((a, b) => b.receivedAt.getTime() - a.receivedAt.getTime());
  const newest = sorted[0]?.receivedAt;
  if (newest === undefined) return { keep: [], remove: [] };
  const rules = rulesOf(retention, newest);
  const oldest = sorted.at(-1);
  const decided = sorted.map((snapshot) => {
    const candidate = { at: snapshot.receivedAt, isOldest: snapshot === oldest };
    return { snapshot, reasons: rules.flatMap((rule) => rule(candidate)) };
  });
  if (rules.length === 0) return { keep: sorted.map((snapshot) => ({ snapshot, reasons: ["no rule"] })), remove: [] };
  return {
    keep: decided.filter(({ reasons }) => reasons.length > 0),
    remove: decided.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot),
  };
}

interface Candidate {
  readonly at: Date;
  readonly isOldest: boolean;
}

/** Asked of each snapshot, newest first: why it is to be kept, if at all. */
type Rule = (candidate: Candidate) => string[];

function rulesOf(retention: Retention, newest: Date): Rule[] {
  const rules: Rule[] = [];
  const { keep_last, keep_within } = retention;
  if (keep_last !== undefined) {
    let left = keep_last;
    rules.push(() => (left-- > 0 ? ["last"] : []));
  }
  for (const [field, { name, of }] of Object.entries(periods)) {
    const count = retention[field as keyof typeof periods];
    if (count !== undefined) rules.push(oneOfEach(name, of, count));
  }
  if (keep_within !== undefined) {
    const sinceMs = beforeMs(newest, keep_within);
    // No time at all is no rule, as with restic.
    if (sinceMs < newest.getTime()) rules.push(({ at }) => (at.getTime() > sinceMs ? ["within"] : []));
  }
  return rules;
}

/** Keeps the newest of each of the last so many periods that have any, and the oldest of all while there are counts left. */
function oneOfEach(name: string, of: (at: Date) => string, count: number): Rule {
  let left = count;
  let seen: string | undefined;
  return ({ at, isOldest }) => {
    const period = of(at);
    const isNew = period !== seen;
    if (left === 0 || (!isNew && !isOldest)) return [];
    seen = period;
    left -= 1;
    return [isNew ? name : `oldest ${name}`];
  };
}

function weekOf(at: Date): string {
  const monday = new Date(at);
  monday.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return monday.toISOString().slice(0, 10);
}

/**
 * A time so much earlier, by restic's duration such as `1y5m7d2h`, in milliseconds since 1970. Years, months and days are taken off the date together, and a
 * day that the month does not have runs over, as Go's `AddDate` has it. Longer ago than any date that this knows is before everything.
 */
function beforeMs(at: Date, duration: string): number {
  const [, ...counts] = /^(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?$/.exec(duration) ?? [];
  const [years = 0, months = 0, days = 0, hours = 0] = counts.map((count) => Number(count ?? 0));
  const earlier = new Date(at);
  earlier.setUTCFullYear(at.getUTCFullYear() - years, at.getUTCMonth() - months, at.getUTCDate() - days);
  const ms = earlier.getTime() - hours * 3_600_000;
  return Number.isNaN(ms) ? -Infinity : ms;
}
