import { isEngineError } from "../errors/engine-error.ts";
import { displayName } from "../format/names.ts";
import { childPath, tagsPresent } from "./backup-rules.ts";
import type { BackupRules } from "./backup-rules.ts";
import type { FileSource, OnSourceWarning } from "./file-source.ts";
import { targetComponents } from "./target-tree.ts";
import type { ScanTarget } from "./target-tree.ts";
import type { ScanProblem } from "./scan-problem.ts";

interface Reporting {
  readonly onProblem: (problem: ScanProblem) => void;
  readonly onWarning: OnSourceWarning;
}

/**
 * The targets that are there. Each that is missing is a problem. One that has no name of its own in a snapshot, such as `.`, `..` or `/`, is replaced by
 * its entries, to which the rules apply.
 */
export async function existingTargets(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  reporting: Reporting,
): Promise<ScanTarget[]> {
  const existing: ScanTarget[] = [];
  for (const target of targets) {
    try {
      if (targetComponents(target).components.length > 0) {
        source.stat(target.absolute);
        existing.push(target);
      } else {
        existing.push(...(await entries(source, target, rules, reporting)));
      }
    } catch (error) {
      if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
      const isMissing = error.code === "not-found";
      const message = isMissing ? `${displayName(target.given)} does not exist` : error.message;
      reporting.onProblem({ path: target.absolute, message, cause: error });
    }
  }
  return existing;
}

async function entries(
  source: FileSource,
  { given, absolute }: ScanTarget,
  rules: BackupRules,
  { onWarning }: Reporting,
): Promise<ScanTarget[]> {
  const { deviceId } = source.stat(absolute, { followLinks: true });
  const names = await source.list(absolute, { followLinks: true });
  const tags = await tagsPresent(source, rules, absolute, names, onWarning);
  const entryOf = { path: absolute, tags, deviceId };
  return names.map((name) => ({ given: childPath(given, name), absolute: childPath(absolute, name), entryOf }));
}
