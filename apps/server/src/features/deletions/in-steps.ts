import type { Clock } from "../../clock.ts";

/** A task that takes longer than a minute is given to another process: a step ends well before. */
const stepMaxMs = 20_000;
/** Enough to keep a disk or a bucket busy, and few enough that the requests have connections to the database left. */
const atOnce = 4;
const batchSize = 100;

/**
 * Does `work` on all that `select` finds, some at once, until there is no more: then true; or until the step has taken long enough: then false. What was worked on must no
 * longer be found.
 */
export async function inSteps<Item>(
  clock: Clock,
  select: (limit: number) => Promise<readonly Item[]>,
  work: (item: Item) => Promise<void>,
): Promise<boolean> {
  const endsAt = clock.now().getTime() + stepMaxMs;
  for (;;) {
    const items = await select(batchSize);
    if (items.length === 0) return true;
    for (let begun = 0; begun < items.length; begun += atOnce) {
      if (clock.now().getTime() >= endsAt) return false;
      await Promise.all(items.slice(begun, begun + atOnce).map(work));
    }
  }
}
