/** Does `work` every `everyMs`, never twice at once, until it is disposed of. A failure is told and the next turn comes as usual. */
export function repeat(everyMs: number, work: () => Promise<unknown>, onFailure: (error: unknown) => void): Disposable {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    void work()
      .catch(onFailure)
      .finally(() => {
        isRunning = false;
      });
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
