import { everything } from "../pattern/path-filter.ts";
import type { TargetPath } from "./file-target.ts";
import { removeAll } from "./remove-all.ts";
import type { RestoreRun } from "./restore-settings.ts";
import { joinPath } from "./show-path.ts";
import type { TreeEntries } from "./tree-entries.ts";

/** Deletes what is in a directory of the target, is not among the entries, and is selected by the filter. */
export async function deleteExtra(run: RestoreRun, directory: TargetPath, entries: TreeEntries): Promise<void> {
  const { target, report, dryRun, signal, filter = everything } = run;
  try {
    // In a dry run the directory may not be there at all.
    if (dryRun && (await target.stat(directory))?.type !== "dir") return;
    const expected = new Set<string>();
    for (let row = 0; row < entries.count; row += 1) expected.add(target.nameKey(entries.name(row)));
    for (const name of await target.list(directory)) {
      const path = [...directory, name];
      if (expected.has(target.nameKey(name)) || !filter.includes(joinPath(path), false).selected) continue;
      for await (const removed of removeAll(target, path, { dryRun, signal })) report.deleted(removed);
    }
  } catch (error) {
    report.problem(directory, error);
  }
}
