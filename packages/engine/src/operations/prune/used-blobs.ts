import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobType } from "../../format/blob.ts";
import { type BlobId, shortId } from "../../format/ids.ts";
import { idWords } from "../../format/index-rows.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { TreeRooms } from "../../format/tree-room.ts";
import { putIdWords } from "../../format/tree-rows.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { PruneRequest } from "./prune-request.ts";

/**
 * Marks what the snapshots need: 1 at the row of each needed blob's first copy, in a byte for each row of the index. Rejects with `corrupt-data` or `not-found`
 * for a tree that can't be read and for a blob that no index names: of such a repository nobody can say what is not needed.
 */
export async function markUsedBlobs(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  run: Abortable & Pick<PruneRequest, "onProgress">,
): Promise<Uint8Array> {
  const { index } = repository;
  const used = new Uint8Array(index.blobCount);
  const missing = new MissingBlobs();
  const rooms = new TreeRooms();
  const id = new Uint32Array(idWords);
  /** Rows of trees to be read. A stack instead of recursion: a hostile repository may nest as deep as it likes. */
  const waiting: number[] = [];

  let done = 0;
  for (const snapshot of snapshots) {
    if (!snapshot.tree)
      throw new EngineError("corrupt-data", `Snapshot ${shortId(snapshot.id)} names no tree. ${unchanged}`, { hint });
    markText("tree", snapshot.tree);
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) await markTree(row);
    done += 1;
    run.onProgress?.({ step: "snapshots", done, total: snapshots.length });
  }
  missing.throwIfAny();
  return used;

  async function markTree(treeRow: number): Promise<void> {
    const tree = index.blobIdOf(treeRow);
    const room = rooms.take();
    const firstBelow = waiting.length;
    try {
      const bytes = await treeReaderOf(repository).read(tree, { signal: run.signal, room });
      const rows = readTreeRows(bytes, room);
      if (rows === undefined) {
        // Not written as we write it.
        for (const { content = [], subtree } of decodeLoadedTree(bytes, tree)) {
          for (const blob of content) markText("data", blob);
          if (subtree !== undefined) markText("tree", subtree);
        }
      } else {
        for (let row = 0; row < rows.count; row += 1) {
          const count = rows.contentCount(row) ?? 0;
          for (let number = 0; number < count; number += 1) {
            putIdWords(rows.bytes, rows.contentIdAt(row, number), id);
            mark("data");
          }
          const subtree = rows.subtree(row);
          if (subtree !== undefined) markText("tree", subtree);
        }
      }
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      throw new EngineError(error.code, `A folder can't be read: ${error.message}. ${unchanged}`, {
        cause: error,
        hint,
      });
    } finally {
      rooms.giveBack(room);
    }
    // The first of them next, as they lie in their packs.
    waiting.push(...waiting.splice(firstBelow).reverse());
  }

  function markText(type: BlobType, text: BlobId): void {
    new Uint8Array(id.buffer).setFromHex(text);
    mark(type);
  }

  /** Marks the blob whose words are in `id`. A tree that is news is to be read. */
  function mark(type: BlobType): void {
    const row = index.rowOf(type, id, 0);
    if (row === -1) return missing.add(type, id);
    if (used[row] === 1) return;
    used[row] = 1;
    if (type === "tree") waiting.push(row);
  }
}

const unchanged = "Nothing was changed";
const hint =
  "Run `check` to see what is damaged. `repair index`, and then `repair snapshots`, make the repository whole again.";

/** Counts them all and remembers one to name. */
class MissingBlobs {
  #count = 0;
  #example = "";

  add(type: BlobType, id: Uint32Array): void {
    this.#count += 1;
    if (this.#count === 1) this.#example = `${type} blob ${new Uint8Array(id.buffer).toHex()}`;
  }

  throwIfAny(): void {
    if (this.#count === 0) return;
    const what = this.#count === 1 ? `A blob` : `${this.#count} references to blobs`;
    throw new EngineError(
      "corrupt-data",
      `${what} that snapshots need can't be found in the index, such as ${this.#example}. ${unchanged}`,
      { hint },
    );
  }
}
