import { plainBytesOf } from "../../blob/plain-bytes.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { displayName } from "../../format/names.ts";
import { type BlobId, shortId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { assertTreeOrder } from "../../format/tree.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { CheckRequest } from "./check-request.ts";
import type { CheckReport } from "./check-report.ts";

/** Walks every tree that a snapshot reaches, each once, and looks whether all it names is in the index. */
export async function checkTrees(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  run: Abortable & Pick<CheckRequest, "onProgress">,
  report: CheckReport,
): Promise<void> {
  const seen = new Set<BlobId>();
  let done = 0;
  for (const snapshot of snapshots) {
    if (snapshot.tree) await checkBelow(snapshot.tree, `snapshot ${shortId(snapshot.id)}`);
    else report.error(`snapshots/${snapshot.id}`, "the snapshot names no tree");
    done += 1;
    run.onProgress?.({ step: "snapshots", done, total: snapshots.length });
  }

  /** A stack instead of recursion: a hostile repository may nest as deep as it likes. */
  async function checkBelow(root: BlobId, snapshot: string): Promise<void> {
    const waiting: { id: BlobId; path: string }[] = [{ id: root, path: "/" }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      const where = `${displayName(next.path)} in ${snapshot}`;
      const nodes = await nodesOf(next.id, where);
      checkOrder(nodes, next.id, where);
      const below: typeof waiting = [];
      for (const node of nodes) {
        const path = `${next.path === "/" ? "" : next.path}/${node.name}`;
        checkNode(node, next.id, () => `${displayName(path)} in ${snapshot}`);
        if (node.subtree) below.push({ id: node.subtree, path });
      }
      // The first of them next, as they lie in their packs.
      waiting.push(...below.reverse());
    }
  }

  async function nodesOf(id: BlobId, where: string): Promise<Node[]> {
    try {
      return await loadTree(repository, id, run);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      report.error(`tree ${id}`, `the folder ${where} is lost: ${error.message}`);
      return [];
    }
  }

  /** An entry that is out of order or there twice can't be restored. */
  function checkOrder(nodes: readonly Node[], tree: BlobId, where: string): void {
    try {
      assertTreeOrder(nodes);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data")) throw error;
      report.error(`tree ${tree}`, `the folder ${where} is damaged: ${error.message}`);
    }
  }

  function checkNode(node: Node, tree: BlobId, where: () => string): void {
    const say = (message: string) => report.error(`tree ${tree}`, `${where()}: ${message}`);
    switch (node.type) {
      case "file": {
        if (!node.content) return say("the file has no list of contents");
        const missing = node.content.filter((id) => !repository.index.has({ type: "data", id }));
        if (missing.length > 0)
          return say(
            `${missing.length} of its ${node.content.length} blobs are missing, the first is ${missing[0] ?? ""}`,
          );
        const bytes = node.content.reduce((sum, id) => sum + plainBytes(id), 0);
        if (bytes !== node.size) say(`the file should have ${node.size} bytes, but its contents have ${bytes}`);
        break;
      }
      case "dir":
        if (!node.subtree) say("the folder names no tree");
        break;
      case "symlink":
      case "dev":
      case "chardev":
      case "fifo":
      case "socket":
        break;
      case "unknown":
        say(`its type ${JSON.stringify(node.unknownType)} is unknown`);
        break;
    }
  }

  function plainBytes(id: BlobId): number {
    const [location] = repository.index.find({ type: "data", id });
    return location ? plainBytesOf(location) : 0;
  }
}
