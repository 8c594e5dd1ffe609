import { isEngineError } from "../errors/engine-error.ts";
import { type BackupRules, mayExcludeBelow } from "./backup-rules.ts";
import { compareInWalk } from "./directory-walk.ts";
import type { EntriesOptions, FileSource, SourceStat } from "./file-source.ts";
import type { ListingAhead } from "./listing-ahead.ts";
import type { ScanTarget } from "./target-tree.ts";

/**
 * Begins to list the targets of a backup that comes to them soon: while its key is derived and its lock settles there is nothing else to do. Only
 * those that no rule has a say in. Undefined where listing can't be done beside other work.
 */
export function listTargetsAhead(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  options: Pick<EntriesOptions, "withAtime">,
): ListingAhead | undefined {
  // Whether a directory is left out for what lies in it shows only when the scan is there.
  if (rules.excludeIfPresent.length > 0) return undefined;
  const ahead = source.listAhead?.(options);
  if (!ahead) return undefined;
  const paths = targets.map(({ absolute }) => absolute).filter((path) => !mayExcludeBelow(rules, path));
  // What is expected last comes first.
  for (const path of paths.toSorted(compareInWalk).toReversed()) {
    const nameStart = path.lastIndexOf("/") + 1;
    const stat = statIfReadable(source, path);
    if (stat?.type === "dir" && nameStart < path.length)
      ahead.expect({ path: path.slice(0, nameStart), names: [path.slice(nameStart)], deviceId: stat.deviceId });
  }
  return ahead;
}

/** Whoever comes to a target that can't be looked at says so. */
function statIfReadable(source: FileSource, path: string): SourceStat | undefined {
  try {
    return source.stat(path);
  } catch (error) {
    if (isEngineError(error, "source-unreadable", "not-found")) return undefined;
    throw error;
  }
}
