import { EngineError } from "../../errors/engine-error.ts";
import { invariant } from "../../errors/invariant.ts";
import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import { localZone } from "../../format/time.ts";
import { encodeTree } from "../../format/tree.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { BackupTally } from "./backup-tally.ts";
import type { SavedEntry, SavedTree } from "./saved.ts";

/**
 * Makes the trees: takes the entries in the order of the scan, children before their directory's end, and saves each directory as soon as
 * it is complete. Only the nodes of the directories that are open are in memory.
 */
export class TreeWriter {
  readonly #writer: BlobWriter;
  readonly #tally: BackupTally;
  readonly #open: Node[][] = [[]];

  /** The targets by their absolute paths: one that turns out empty is worth a word, it may be a disk that is not mounted. */
  readonly #targets: ReadonlySet<string>;

  constructor(writer: BlobWriter, tally: BackupTally, targets: readonly { readonly absolute: string }[]) {
    this.#writer = writer;
    this.#tally = tally;
    this.#targets = new Set(targets.map(({ absolute }) => absolute));
  }

  async add(entry: SavedEntry): Promise<void> {
    switch (entry.kind) {
      case "enter":
        this.#open.push([]);
        break;
      case "file":
        if (entry.node) this.#siblings().push(entry.node);
        break;
      case "leave": {
        const children = this.#open.pop();
        invariant(children !== undefined && this.#open.length > 0, "a directory is entered before it is left");
        if (children.length === 0 && this.#targets.has(entry.path))
          this.#tally.problem({
            path: entry.path,
            message: "nothing in this folder was backed up: is it empty, or not mounted?",
          });
        const tree = await this.#save(children);
        this.#siblings().push({ ...entry.metadata, content: undefined, subtree: tree.id });
        this.#tally.directoryDone(entry, tree);
        break;
      }
    }
  }

  /** Saves the root; its id goes into the snapshot. Rejects with `source-unreadable` if nothing at all could be backed up. */
  async finish(): Promise<BlobId> {
    invariant(this.#open.length === 1, "every directory that was entered is left");
    const root = this.#siblings();
    if (root.length === 0)
      throw new EngineError("source-unreadable", "There is nothing to back up: none of the sources could be read", {
        hint: "Check the paths. No snapshot was made.",
      });
    const { id } = await this.#save(root);
    return id;
  }

  #siblings(): Node[] {
    const siblings = this.#open.at(-1);
    invariant(siblings !== undefined, "the root is always open");
    return siblings;
  }

  async #save(nodes: readonly Node[]): Promise<SavedTree> {
    const bytes = encodeTree(nodes, localZone);
    const saved = await this.#writer.save("tree", bytes);
    const tree = { ...saved, bytes: bytes.length };
    this.#tally.treeSaved(tree);
    return tree;
  }
}
