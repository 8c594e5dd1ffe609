import type { Abortable } from "../flow/abortable.ts";
import type { BackupRules } from "./backup-rules.ts";
import type { FileSource, SourceStat } from "./file-source.ts";
import type { ScanTarget } from "./target-tree.ts";
import { walk } from "./walk.ts";

/** How much a backup has before it. */
export interface Estimate {
  /** Regular files. */
  readonly files: number;
  readonly bytes: number;
}

/** Counts ahead what `scan` will yield, by a look at each entry only. It reports nothing: the scan meets the same problems. */
export async function estimate(
  source: FileSource,
  targets: readonly ScanTarget[],
  rules: BackupRules,
  { signal }: Abortable = {},
): Promise<Estimate> {
  let files = 0;
  let bytes = 0;
  const count = (type: SourceStat["type"], size: number) => {
    if (type !== "file") return;
    files += 1;
    bytes += size;
  };
  const silent = () => undefined;
  const batches = walk<undefined, CountedFile>(source, targets, rules, {
    onProblem: silent,
    onWarning: silent,
    signal,
    enter: () => undefined,
    file: (_place, { type, size }) => ({ kind: "file", type, size }),
    takes: () => true,
    take: (_details, entries, row) => {
      const type = entries.type(row);
      count(type, entries.size(row));
      return type !== "dir";
    },
  });
  for await (const batch of batches)
    for (const event of batch) if (event.kind === "file") count(event.type, event.size);
  return { files, bytes };
}

interface CountedFile {
  readonly kind: "file";
  readonly type: SourceStat["type"];
  readonly size: number;
}
