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
 * received them, in UTC. A retention without any rule keeps all. `keep_within` counts back from the newest snapshot, as restic does.
 */
export function keptSnapshots<Snapshot extends DatedSnapshot>(
  snapshots: readonly Snapshot[],
  retention: Retention,
): KeptSnapshots<Snapshot> {
  const sorted = snapshots.toSorted((a, b) => b.receivedAt.getTime() - a.receivedAt.getTime());
  const newest = sorted[0]?.receivedAt;
  if (newest === undefined) return { keep: [], remove: [] };
  const rules = rulesOf(retention, newest);
  const decided = sorted.map((snapshot) => ({ snapshot, reasons: rules.flatMap((rule) => rule(snapshot.receivedAt)) }));
  if (rules.length === 0) return { keep: sorted.map((snapshot) => ({ snapshot, reasons: ["no rule"] })), remove: [] };
  return {
    keep: decided.filter(({ reasons }) => reasons.length > 0),
    remove: decided.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot),
  };
}

/** Asked of each snapshot, newest first: why it is to be kept, if at all. */
type Rule = (at: Date) => string[];

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
    const since = before(newest, keep_within);
    rules.push((at) => (at >= since ? ["within"] : []));
  }
  return rules;
}

/** Keeps the newest of each of the last so many periods that have any. */
function oneOfEach(name: string, of: (at: Date) => string, count: number): Rule {
  let left = count;
  let seen: string | undefined;
  return (at) => {
    const period = of(at);
    if (period === seen || left === 0) return [];
    seen = period;
    left -= 1;
    return [name];
  };
}

function weekOf(at: Date): string {
  const monday = new Date(at);
  monday.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return monday.toISOString().slice(0, 10);
}

/** A time so much earlier, by restic's duration such as `1y5m7d2h`. */
function before(at: Date, duration: string): Date {
  const [, years, months, days, hours] = /^(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?$/.exec(duration) ?? [];
  const earlier = new Date(at);
  earlier.setUTCFullYear(at.getUTCFullYear() - Number(years ?? 0), at.getUTCMonth() - Number(months ?? 0));
  earlier.setUTCDate(earlier.getUTCDate() - Number(days ?? 0));
  earlier.setUTCHours(earlier.getUTCHours() - Number(hours ?? 0));
  return earlier;
}
