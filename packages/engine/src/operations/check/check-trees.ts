import { plainBytesOf } from "../../blob/plain-bytes.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { displayName } from "../../format/names.ts";
import { type BlobId, shortId } from "../../format/ids.ts";
import { idWords } from "../../format/index-rows.ts";
import type { Node } from "../../format/node.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import { assertTreeOrder } from "../../format/tree.ts";
import { TreeRooms } from "../../format/tree-room.ts";
import { putIdWords, type TreeRows } from "../../format/tree-rows.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { CheckRequest } from "./check-request.ts";
import type { CheckReport } from "./check-report.ts";
import { childPath } from "../../source/backup-rules.ts";

interface Folder {
  readonly id: BlobId;
  readonly path: string;
}

/** Walks every tree that a snapshot reaches, each once, and looks whether all it names is in the index. */
export async function checkTrees(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  run: Abortable & Pick<CheckRequest, "onProgress">,
  report: CheckReport,
): Promise<void> {
  const seen = new Set<BlobId>();
  const rooms = new TreeRooms();
  const contentId = new Uint32Array(idWords);
  let done = 0;
  for (const snapshot of snapshots) {
    if (snapshot.tree) await checkBelow(snapshot.tree, `snapshot ${shortId(snapshot.id)}`);
    else report.error(`snapshots/${snapshot.id}`, "the snapshot names no tree");
    done += 1;
    run.onProgress?.({ step: "snapshots", done, total: snapshots.length });
  }

  /** A stack instead of recursion: a hostile repository may nest as deep as it likes. */
  async function checkBelow(root: BlobId, snapshot: string): Promise<void> {
    const waiting: Folder[] = [{ id: root, path: "/" }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      // The first of them next, as they lie in their packs.
      waiting.push(...(await checkFolder(next, snapshot)).reverse());
    }
  }

  /** The folders in it. */
  async function checkFolder(folder: Folder, snapshot: string): Promise<Folder[]> {
    const room = rooms.take();
    try {
      const bytes = await treeReaderOf(repository).read(folder.id, { signal: run.signal, room });
      const rows = readTreeRows(bytes, room);
      return rows
        ? checkRows(rows, folder, snapshot)
        : checkNodes(decodeLoadedTree(bytes, folder.id), folder, snapshot);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      const where = `${displayName(folder.path)} in ${snapshot}`;
      report.error(`tree ${folder.id}`, `the folder ${where} is lost: ${error.message}`);
      return [];
    } finally {
      rooms.giveBack(room);
    }
  }

  /** Nodes are made only of entries that something is wrong with. */
  function checkRows(rows: TreeRows, folder: Folder, snapshot: string): Folder[] {
    const below: Folder[] = [];
    for (let row = 0; row < rows.count; row += 1) {
      const type = rows.entries.type(row);
      const subtree = type === "dir" ? rows.subtree(row) : undefined;
      if (subtree) below.push({ id: subtree, path: childPath(folder.path, rows.entries.name(row)) });
      else if (type === "dir" || (type === "file" && !hasItsContent(rows, row)))
        checkNode(rows.node(row), folder, snapshot);
    }
    return below;
  }

  /** For a tree that is not written as we write it. */
  function checkNodes(nodes: readonly Node[], folder: Folder, snapshot: string): Folder[] {
    checkOrder(nodes, folder.id, `${displayName(folder.path)} in ${snapshot}`);
    for (const node of nodes) checkNode(node, folder, snapshot);
    return nodes.flatMap(({ name, subtree }) => (subtree ? [{ id: subtree, path: childPath(folder.path, name) }] : []));
  }

  function hasItsContent(rows: TreeRows, row: number): boolean {
    let bytes = 0;
    const count = rows.contentCount(row);
    if (count === undefined) return false;
    for (let number = 0; number < count; number += 1) {
      putIdWords(rows.bytes, rows.contentIdAt(row, number), contentId);
      const plainBytes = repository.index.plainBytesOfId("data", contentId, 0);
      if (plainBytes === undefined) return false;
      bytes += plainBytes;
    }
    return bytes === rows.entries.size(row);
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

  function checkNode(node: Node, { id, path }: Folder, snapshot: string): void {
    const where = () => `${displayName(childPath(path, node.name))} in ${snapshot}`;
    const say = (message: string) => report.error(`tree ${id}`, `${where()}: ${message}`);
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
