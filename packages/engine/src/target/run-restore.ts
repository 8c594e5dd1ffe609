import type { BlobId } from "../format/ids.ts";
import { compareExisting } from "./compare-existing.ts";
import { finishEntries } from "./finish-entries.ts";
import { planRestore } from "./plan-restore.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { RestoreTotals } from "./restore-report.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { type Verified, verifyContents } from "./verify-contents.ts";
import { writeContents } from "./write-contents.ts";

export interface RestoreResult extends Readonly<RestoreTotals> {
  /** How many things could not be restored or were found wrong; each was told. */
  readonly problems: number;
  /** Undefined unless asked for. */
  readonly verified: Verified | undefined;
}

/** Restores a tree into the target's root: directories, contents, links, metadata; the directories' own metadata comes last. */
export async function runRestore(run: RestoreRun, rootTree: BlobId): Promise<RestoreResult> {
  const plan = await planRestore(run, rootTree);
  await compareExisting(run, plan);
  if (run.dryRun) tellContents(run, plan);
  else await writeContents(run, plan);
  const verified = run.verify && !run.dryRun ? await verifyContents(run, plan) : undefined;
  await finishEntries(run, plan);
  return { ...run.report.totals, problems: run.report.problems, verified };
}

/** What `writeContents` would do. */
function tellContents({ report }: RestoreRun, plan: RestorePlan): void {
  for (let file = 0; file < plan.fileCount; file += 1) {
    const state = plan.fileState(file);
    if (state === "unchanged") continue;
    const bytes = plan.fileSize(file);
    report.wrote(bytes);
    report.restored(plan.filePath(file), bytes, state === "update" ? "updated" : "restored");
  }
}
