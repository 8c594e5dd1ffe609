import type { Abortable } from "../flow/abortable.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { matches, type PatternList } from "../pattern/pattern-list.ts";
import type { Repository } from "../repository/repository.ts";
import { type ListedFile, rootTree, walkTree } from "./list-files.ts";

export interface FindRequest extends Abortable {
  readonly snapshots: readonly StoredSnapshot[];
  readonly patterns: PatternList;
  /** Modified at this time or after it. */
  readonly oldestNs?: bigint | undefined;
  /** Modified at this time or before it. */
  readonly newestNs?: bigint | undefined;
}

export interface FoundFile extends ListedFile {
  readonly snapshot: StoredSnapshot;
}

/** The entries whose path matches one of the patterns, snapshot by snapshot. The index must be loaded. */
export async function* findFiles(
  repository: Repository,
  request: FindRequest,
): AsyncGenerator<FoundFile, void, undefined> {
  for (const snapshot of request.snapshots)
    for await (const file of walkTree(repository, rootTree(snapshot), "", request))
      if (isFound(file, request)) yield { ...file, snapshot };
}

function isFound({ path, node }: ListedFile, { patterns, oldestNs, newestNs }: FindRequest): boolean {
  if (oldestNs !== undefined && node.mtimeNs < oldestNs) return false;
  if (newestNs !== undefined && node.mtimeNs > newestNs) return false;
  return matches(patterns, path);
}
