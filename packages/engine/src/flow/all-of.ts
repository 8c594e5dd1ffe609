/**
 * Runs tasks beside each other. When one fails, the others' signal aborts, they are awaited, and the failure is thrown: nothing runs on behind the
 * caller's back.
 */
export async function allOf(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const running = tasks.map(async (task) => {
    try {
      await task(both);
    } catch (error) {
      // The first failure is the reason; those that follow from it are its echo.
      failed.abort(error);
    }
  });
  await Promise.all(running);
  failed.signal.throwIfAborted();
}
