import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobHandle } from "../../format/blob.ts";
import { displayName } from "../../format/names.ts";
import { shortId } from "../../format/ids.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import { childPath } from "../../source/backup-rules.ts";

/** Says for what a blob is needed, such as `/home/ann/a.txt of snapshot 1a2b3c4d`: the first place found. Slow: it is for what went wrong. */
export async function whoNeeds(
  repository: Repository,
  { type, id }: BlobHandle,
  snapshots: readonly StoredSnapshot[],
  options: Abortable,
): Promise<string | undefined> {
  const seen = new Set<string>();
  for (const snapshot of snapshots) {
    const waiting = snapshot.tree ? [{ tree: snapshot.tree, path: "/" }] : [];
    const place = (path: string) => `${displayName(path)} of snapshot ${shortId(snapshot.id)}`;
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (type === "tree" && next.tree === id) return place(next.path);
      if (seen.has(next.tree)) continue;
      seen.add(next.tree);
      try {
        for (const { name, content, subtree } of await loadTree(repository, next.tree, options)) {
          const path = childPath(next.path, name);
          if (type === "data" && content?.includes(id)) return place(path);
          if (subtree) waiting.push({ tree: subtree, path });
        }
      } catch (error) {
        // What is below another damaged tree can't be told.
        if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      }
    }
  }
  return undefined;
}
