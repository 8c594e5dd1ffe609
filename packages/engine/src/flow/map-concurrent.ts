/**
 * Runs `work` over `items`, at most `limit` at once, and yields the results in the order of the items.
 * Reading stops while `limit` results wait, so memory has a bound. After a failure the source is closed and the failure
 * thrown; work already started is not cancelled by this (pass it a signal) but is awaited, so nothing runs on behind the caller's back.
 */
export async function* mapConcurrent<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const started: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // A later item may fail while an earlier one is awaited: it is reported in its turn, not as an unhandled rejection.
      result.catch(() => undefined);
      started.push(result);
      if (started.length >= limit) yield await nextOf(started);
    }
    while (started.length > 0) yield await nextOf(started);
  } finally {
    await Promise.allSettled(started);
  }
}

async function nextOf<Result>(started: Promise<Result>[]): Promise<Result> {
  const next = await started[0];
  // Not before: while it is awaited it counts as started, and a failure must find it among those to wait for.
  void started.shift();
  return next as Result;
}
