import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { exactZone } from "./exact-zone.ts";
import type { BlobId } from "../../format/ids.ts";
import { displayName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import { encodeTree } from "../../format/tree.ts";
import type { PathFilter } from "../../pattern/path-filter.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import { childPath } from "../../source/backup-rules.ts";

/** What became of a tree. */
export interface RewrittenTree {
  readonly id: BlobId;
  readonly isEmpty: boolean;
  /** Regular files that are left in it and below it, and their bytes. */
  readonly files: number;
  readonly bytes: number;
}

export interface TreeRewriting extends Abortable {
  readonly filter: PathFilter;
  /** Called for each entry that is left out, once for all snapshots that have it at the same place in the same folder. */
  readonly onLeftOut?: ((path: string) => void) | undefined;
}

/**
 * Makes trees anew without what a filter leaves out. A tree in which nothing changes keeps its id, and is not written again. Of the next snapshot only what differs from
 * the one before is looked at.
 */
export class TreeRewriter {
  readonly #repository: Repository;
  readonly #writer: BlobWriter;
  readonly #options: TreeRewriting;
  /** What became of the trees of the last snapshot and of this one, by path and id: the path decides as well as the tree. */
  #last = new Map<string, RewrittenTree>();
  #now = new Map<string, RewrittenTree>();

  constructor(repository: Repository, writer: BlobWriter, options: TreeRewriting) {
    this.#repository = repository;
    this.#writer = writer;
    this.#options = options;
  }

  /**
   * Rewrites a snapshot's tree. Rejects with `unsupported` for a folder that must change and can't be written without losing something that only another program
   * understands, and with `corrupt-data` or `not-found` for one that can't be read. Both name it.
   */
  async rewrite(root: BlobId): Promise<RewrittenTree> {
    this.#last = this.#now;
    this.#now = new Map();
    return await this.#rewrite(root, "/");
  }

  async #rewrite(tree: BlobId, path: string): Promise<RewrittenTree> {
    const key = `${tree}${path}`;
    const known = this.#now.get(key) ?? this.#last.get(key) ?? (await this.#rewriteNew(tree, path));
    this.#now.set(key, known);
    return known;
  }

  async #rewriteNew(tree: BlobId, path: string): Promise<RewrittenTree> {
    this.#options.signal?.throwIfAborted();
    const { bytes, nodes } = await this.#load(tree, path);
    const kept: Node[] = [];
    let files = 0;
    let plainBytes = 0;
    for (const node of nodes) {
      const entry = await this.#entry(node, childPath(path, node.name));
      if (!entry) continue;
      kept.push(entry.node);
      files += entry.files;
      plainBytes += entry.bytes;
    }
    const isSame = kept.length === nodes.length && kept.every((node, at) => node === nodes[at]);
    const id = isSame ? tree : await this.#save(kept, { bytes, nodes }, path);
    return { id, isEmpty: kept.length === 0, files, bytes: plainBytes };
  }

  /** Undefined to leave it out. */
  async #entry(node: Node, path: string): Promise<{ node: Node; files: number; bytes: number } | undefined> {
    const { filter, onLeftOut } = this.#options;
    const isDirectory = node.type === "dir" && node.subtree !== undefined;
    const { selected, childMayMatch } = filter.includes(path, isDirectory);
    if (!isDirectory || !node.subtree || !(selected || childMayMatch)) {
      if (!selected) onLeftOut?.(path);
      if (!selected) return undefined;
      return node.type === "file" ? { node, files: 1, bytes: node.size } : { node, files: 0, bytes: 0 };
    }
    const { id, isEmpty, files, bytes } = await this.#rewrite(node.subtree, path);
    // Only the way to what was selected, and nothing was.
    if (isEmpty && !selected) return undefined;
    return { node: id === node.subtree ? node : { ...node, subtree: id }, files, bytes };
  }

  async #load(tree: BlobId, path: string): Promise<{ bytes: Uint8Array; nodes: Node[] }> {
    try {
      const bytes = await treeReaderOf(this.#repository).read(tree, this.#options);
      return { bytes, nodes: decodeLoadedTree(bytes, tree) };
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      throw new EngineError(error.code, `${displayName(path)} can't be read: ${error.message}`, {
        cause: error,
        hint: "Nothing was changed. `check --read-data` finds all that is damaged, and `repair snapshots` leaves it out.",
      });
    }
  }

  /** What stays is written to the byte as it was: times keep their zones. */
  async #save(
    kept: readonly Node[],
    { bytes, nodes }: { readonly bytes: Uint8Array; readonly nodes: readonly Node[] },
    path: string,
  ): Promise<BlobId> {
    const zone = exactZone(bytes, nodes);
    if (!zone)
      throw new EngineError(
        "unsupported",
        `${displayName(path)} was written by a program that says more or says it otherwise, and that would be lost by writing it anew`,
        { hint: "Nothing was changed. Leave this folder out as a whole, or name other snapshots." },
      );
    return (await this.#writer.save("tree", encodeTree(kept, zone))).id;
  }
}
