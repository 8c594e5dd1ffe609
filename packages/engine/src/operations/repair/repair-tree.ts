import { plainBytesOf } from "../../blob/plain-bytes.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobId } from "../../format/ids.ts";
import { compareNames } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import { utcZone } from "../../format/time.ts";
import { encodeTree, TreeBuilder } from "../../format/tree.ts";
import type { TreeRows } from "../../format/tree-rows.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import { childPath } from "../../source/backup-rules.ts";
import { changedEntry } from "./changed-entry.ts";

/** Told of everything that is left out of a tree. */
export type OnTreeChange = (path: string, what: string) => void;

/** Makes trees anew without what is lost. A tree that needs no change keeps its bytes, and so its id. */
export class TreeRepairer {
  readonly #repository: Repository;
  readonly #writer: BlobWriter;
  readonly #options: Abortable & { readonly onChange: OnTreeChange };
  /** What became of each tree that was looked at; undefined if it can't be read. */
  readonly #repaired = new Map<BlobId, BlobId | undefined>();

  constructor(repository: Repository, writer: BlobWriter, options: Abortable & { readonly onChange: OnTreeChange }) {
    this.#repository = repository;
    this.#writer = writer;
    this.#options = options;
  }

  /** The id of the tree as it should be, which is its own if nothing is wrong with it; undefined if it can't be read. */
  async repair(tree: BlobId, path: string): Promise<BlobId | undefined> {
    if (this.#repaired.has(tree)) return this.#repaired.get(tree);
    const repaired = await this.#repairNew(tree, path);
    this.#repaired.set(tree, repaired);
    return repaired;
  }

  async #repairNew(tree: BlobId, path: string): Promise<BlobId | undefined> {
    this.#options.signal?.throwIfAborted();
    let nodes: readonly Node[];
    let rows: TreeRows | undefined;
    try {
      const bytes = await treeReaderOf(this.#repository).read(tree, this.#options);
      nodes = decodeLoadedTree(bytes, tree);
      rows = readTreeRows(bytes);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      // The index may still name it: it must not be taken for what is stored.
      this.#writer.distrustPacksOf({ type: "tree", id: tree });
      return undefined;
    }
    const after: Node[] = [];
    for (const node of nodes) {
      const repaired = await this.#repairNode(node, childPath(path, node.name));
      if (repaired) after.push(repaired);
    }
    const ordered = this.#inOrder(after, path);
    const isSame = ordered.length === nodes.length && ordered.every((node, n) => node === nodes[n]);
    return isSame ? tree : await this.#save(ordered, nodes, rows);
  }

  /** The node itself if nothing is wrong with it; undefined to leave it out. */
  async #repairNode(node: Node, path: string): Promise<Node | undefined> {
    const { onChange } = this.#options;
    switch (node.type) {
      case "unknown":
        // Words that restic itself uses for what it should never have stored; others may mean something to a later program.
        if (node.unknownType !== "" && node.unknownType !== "irregular") return node;
        onChange(path, "left out: it has no valid type");
        return undefined;
      case "dir": {
        const subtree = node.subtree && (await this.repair(node.subtree, path));
        if (subtree !== undefined) return subtree === node.subtree ? node : { ...node, subtree };
        onChange(path, "the folder can't be read: it is empty now");
        return { ...node, subtree: await this.#saveTree(encodeTree([], utcZone)) };
      }
      case "file":
        return this.#repairFile(node, path);
      case "symlink":
      case "dev":
      case "chardev":
      case "fifo":
      case "socket":
        return node;
    }
  }

  #repairFile(node: Node, path: string): Node {
    const { index } = this.#repository;
    const content: BlobId[] = [];
    let size = 0;
    for (const id of node.content ?? []) {
      const [location] = index.find({ type: "data", id });
      if (!location) continue;
      content.push(id);
      size += plainBytesOf(location);
    }
    if (node.content && content.length === node.content.length && size === node.size) return node;
    const missing = (node.content?.length ?? 0) - content.length;
    this.#options.onChange(
      path,
      missing > 0 ? `${node.size - size} of ${node.size} bytes are lost` : "its size was wrong",
    );
    return { ...node, content, size };
  }

  #inOrder(nodes: readonly Node[], path: string): readonly Node[] {
    const isOrdered = nodes.every((node, n) => n === 0 || compareNames((nodes[n - 1] as Node).name, node.name) < 0);
    if (isOrdered) return nodes;
    const sorted = nodes.toSorted((a, b) => compareNames(a.name, b.name));
    return sorted.filter((node, n) => {
      if (node.name !== sorted[n - 1]?.name) return true;
      this.#options.onChange(childPath(path, node.name), "left out: the folder has another entry of this name");
      return false;
    });
  }

  /** Entries keep their bytes as far as they can: the zone of their times, and what other programs wrote. */
  async #save(after: readonly Node[], before: readonly Node[], rows: TreeRows | undefined): Promise<BlobId> {
    const rowOf = new Map(before.map((node, row) => [node.name, row]));
    const tree = new TreeBuilder(utcZone);
    for (const node of after) {
      const row = rowOf.get(node.name) ?? -1;
      const old = before[row];
      const bytes = rows && old && changedEntry(rows.bytes.subarray(rows.start(row), rows.end(row)), old, node);
      if (bytes) tree.addEncoded(bytes);
      else tree.add(node);
    }
    return await this.#saveTree(tree.finish());
  }

  async #saveTree(bytes: Uint8Array): Promise<BlobId> {
    return (await this.#writer.save("tree", bytes)).id;
  }
}
