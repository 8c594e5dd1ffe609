import type { CheckOrder } from "@saveos/contract";
import type { CheckProgress, CheckRequest, CheckResult } from "@saveos/engine";
import { plural } from "../terminal/quantities.ts";
import type { JobEnd, JobRun } from "./job-end.ts";
import { lockOfJob, type OrderDeps, sayRetry } from "./order-deps.ts";

/** Of a repository with more damage nobody reads the list. The contract's limit. */
const brokenPacksMax = 1000;

/** Checks the machine's repository as the server ordered. */
export async function runCheckOrder(deps: OrderDeps, order: CheckOrder, run: JobRun): Promise<JobEnd> {
  const { check } = await import("@saveos/engine");
  const { signal, say } = run;
  await using opened = await deps.openRepository({
    repository: "own",
    // What is checked is the store, not a copy of it.
    useCache: false,
    bandwidth: [],
    onRetry: sayRetry(say),
    signal,
  });
  const result = await check(opened.repository, {
    readData: dataToRead(order.read_data_percent),
    lock: lockOfJob(deps, run),
    signal,
    onProgress: progressOf(run),
    // A finding names the files that need what is damaged.
    onFinding: ({ severity, object, message }) =>
      (severity === "error" ? deps.log.warn : deps.log.info)(`${object}: ${message}`),
  });
  return endOf(result);
}

function dataToRead(percent: number): CheckRequest["readData"] {
  if (percent === 0) return undefined;
  return percent === 100 ? "all" : { kind: "percent", percent };
}

/** The steps one after another; the last two go on at the same time, and reading the data takes longer than walking the trees. */
function progressOf({ onProgress }: JobRun): (progress: CheckProgress) => void {
  let isReadingData = false;
  return ({ step, done, total, bytesDone = 0, bytesTotal }) => {
    isReadingData ||= step === "data";
    if (isReadingData && step !== "data") return;
    onProgress({ filesDone: done, bytesDone, filesTotal: total, bytesTotal });
  };
}

function endOf({ errors, brokenPacks, suggestRepairIndex, suggestPrune }: CheckResult): JobEnd {
  const summary = {
    num_errors: errors,
    broken_packs: brokenPacks.slice(0, brokenPacksMax),
    suggest_repair_index: suggestRepairIndex,
    suggest_prune: suggestPrune,
  };
  if (errors === 0) return { outcome: "completed", summary };
  return {
    outcome: "failed",
    error: "damaged-repository",
    reason: `The check found ${plural(errors, "error")}: the machine's own log names what is damaged`,
    summary,
  };
}
