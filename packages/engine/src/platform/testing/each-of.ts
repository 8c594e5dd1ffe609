/** What comes in batches, one by one. */
export async function* eachOf<Value>(batches: AsyncIterable<readonly Value[]>): AsyncGenerator<Value, void, undefined> {
  for await (const batch of batches) yield* batch;
}
