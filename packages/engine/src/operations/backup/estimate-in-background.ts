import { estimate } from "../../source/estimate.ts";
import type { FileSource } from "../../source/file-source.ts";
import type { BackupRun } from "./backup-request.ts";
import type { BackupTally } from "./backup-tally.ts";

/**
 * Counts files and bytes ahead, beside the backup, so that its progress has a total. Leaving the scope ends it.
 * It reports no problems: the backup meets the same ones.
 */
export function estimateInBackground(source: FileSource, run: BackupRun, tally: BackupTally): AsyncDisposable {
  const ended = new AbortController();
  const signal = AbortSignal.any([run.signal, ended.signal]);
  const counting =
    run.noScan || !run.onProgress
      ? Promise.resolve()
      : estimate(source, run.targets, run.rules, { signal }).then(
          (total) => tally.totalKnown(total),
          () => undefined,
        );
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await counting;
    },
  };
}
