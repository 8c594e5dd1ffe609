export interface Bar {
  /** Where it begins; it ends where the next one begins. */
  readonly from: number;
  readonly count: number;
}

/** How many values lie in each step from `from` to `to`. What lies outside is in none of them. */
export function histogram(
  values: readonly number[],
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: number },
): Bar[] {
  const counts = Array.from({ length: Math.ceil((to - from) / step) }, () => 0);
  for (const value of values) {
    const place = Math.floor((value - from) / step);
    if (value < to && counts[place] !== undefined) counts[place] += 1;
  }
  return counts.map((count, place) => ({ from: from + place * step, count }));
}
