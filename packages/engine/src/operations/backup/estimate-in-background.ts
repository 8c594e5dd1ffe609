import type { Clock } from "../../flow/clock.ts";
import { estimate } from "../../source/estimate.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { BackupRun } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";

/** Counting looks at every file, which is most of the work when little has changed: a backup that is over sooner needs no totals. */
const patienceMs = 5000;

/**
 * Counts files and bytes ahead, beside a backup that takes its time, so that its progress has a total. Leaving the scope ends it.
 * It reports no problems: the backup meets the same ones.
 */
export function estimateInBackground(
  source: FileSource,
  run: BackupRun,
  tally: BackupTally,
  clock: Clock,
): AsyncDisposable {
  const ended = new AbortController();
  const signal = AbortSignal.any([run.signal, ended.signal]);
  const count = async () => {
    await clock.sleep(patienceMs, { signal });
    tally.totalKnown(await estimate(source, run.targets, run.rules, { signal }));
  };
  const counting = run.noScan || !run.onProgress ? Promise.resolve() : count().catch(() => undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await counting;
    },
  };
}
