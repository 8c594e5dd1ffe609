import { type Retention, retention } from "@saveos/contract";

/**
 * Whether a retention may keep less than the one before it: a rule is smaller or gone, or there is a rule where there was none and all was kept. A rule that is added
 * beside others only ever keeps more.
 */
export function isShorter(before: Retention, after: Retention): boolean {
  const rules = Object.entries(before);
  if (Object.keys(after).length === 0) return false;
  if (rules.length === 0) return true;
  return rules.some(([name, was]) => {
    const is = after[name as keyof Retention];
    if (is === was) return false;
    if (is === undefined) return true;
    // Months and years differ in length: what may be shorter counts as shorter.
    return typeof was === "string" ? daysOf(String(is), "least") < daysOf(was, "most") : Number(is) < Number(was);
  });
}

/** How long a duration such as `1y5m7d2h` can be, in days. */
function daysOf(duration: string, which: "least" | "most"): number {
  const [, years, months, days, hours] = /^(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?$/.exec(duration) ?? [];
  const [daysOfYear, daysOfMonth] = which === "least" ? [365, 28] : [366, 31];
  return (
    Number(years ?? 0) * daysOfYear + Number(months ?? 0) * daysOfMonth + Number(days ?? 0) + Number(hours ?? 0) / 24
  );
}

export function isSameRetention(a: Retention, b: Retention): boolean {
  return JSON.stringify(retention.parse(a)) === JSON.stringify(retention.parse(b));
}
