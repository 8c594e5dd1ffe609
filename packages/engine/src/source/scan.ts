import type { Abortable } from "../flow/abortable.ts";
import type { BackupRules } from "./backup-rules.ts";
import type { FileSource, OnSourceWarning, SourceMetadata, SourceStat } from "./file-source.ts";
import type { ScanProblem } from "./scan-problem.ts";
import type { ScanTarget } from "./target-tree.ts";
import { walk } from "./walk.ts";

/**
 * One step of a scan. `path` is where the entry is in the source; `snapshotPath` where it goes in the snapshot, and `name` the last part of
 * that. `enter` opens a directory, `leave` closes it after all that is in it; `file` is anything else: `metadata.type` says what.
 */
export type ScanEvent =
  | { readonly kind: "enter"; readonly name: string; readonly path: string; readonly snapshotPath: string }
  | {
      readonly kind: "file";
      readonly name: string;
      readonly path: string;
      readonly snapshotPath: string;
      readonly metadata: SourceMetadata;
      readonly stat: SourceStat;
    }
  | {
      readonly kind: "leave";
      readonly name: string;
      readonly path: string;
      readonly snapshotPath: string;
      readonly metadata: SourceMetadata;
    };

export interface ScanOptions extends Abortable {
  readonly withAtime: boolean;
  /** Something is left out because it could not be read. */
  readonly onProblem: (problem: ScanProblem) => void;
  /** Something is in, but not with all of its metadata. */
  readonly onWarning?: OnSourceWarning | undefined;
}

/**
 * Finds what to back up: the entries that targets and rules choose, with their metadata, in the order in which restic's trees are written
 * (`walk.ts`). A directory's metadata is that of before its entries were read. If no target is there, nothing is yielded.
 */
export async function* scan(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  options: ScanOptions,
): AsyncGenerator<ScanEvent, void, undefined> {
  const { withAtime, onProblem, signal } = options;
  const onWarning = options.onWarning ?? (() => undefined);
  const events = walk(source, targets, rules, {
    onProblem,
    onWarning,
    signal,
    read: (path, stat, { followLinks }) => source.metadata(path, stat, { withAtime, onWarning, followLinks }),
  });
  for await (const event of events) {
    if (event.kind === "enter") {
      yield event;
      continue;
    }
    const { details, ...place } = event;
    // The targets' tree may name an entry otherwise than its directory does.
    yield { ...place, metadata: details.name === place.name ? details : { ...details, name: place.name } };
  }
}
