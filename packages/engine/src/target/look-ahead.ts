/** Enough to hide the network's delay while one directory is worked on. Each holds a decoded tree in memory. */
const loadsAhead = 2;

/**
 * Loads things a little before they are asked for. They must be asked for in their order; some may be passed over.
 */
export function lookAhead<Item, Result>(
  items: readonly Item[],
  load: (item: Item) => Promise<Result>,
): { next(item: Item): Promise<Result> } {
  const started = new Map<Item, Promise<Result>>();
  let reached = 0;
  const startUpTo = (end: number): void => {
    for (; reached < Math.min(end, items.length); reached += 1) {
      const item = items[reached] as Item;
      const result = load(item);
      // It may fail before it is asked for, or never be asked for: its failure is told to whoever asks.
      result.catch(() => undefined);
      started.set(item, result);
    }
  };
  return {
    next: async (item) => {
      const at = items.indexOf(item, Math.max(0, reached - started.size));
      startUpTo(at + 1 + loadsAhead);
      for (const passed of started.keys()) {
        if (passed === item) break;
        started.delete(passed);
      }
      const result = started.get(item) as Promise<Result>;
      started.delete(item);
      return await result;
    },
  };
}
