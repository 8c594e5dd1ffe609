import { EngineError } from "../../errors/engine-error.ts";
import { invariant } from "../../errors/invariant.ts";
import type { BlobId } from "../../format/ids.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import type { BackupTally } from "./backup-tally.ts";
import { OpenTree } from "./open-tree.ts";
import type { ParentDirectory } from "./parent-directory.ts";
import type { SavedEntry, SavedTree } from "./saved.ts";

/**
 * Makes the trees: takes the entries in the order of the scan, children before their directory's end, and saves each directory as soon as
 * it is complete. One that is just as in the parent keeps its tree. Only the directories that are open are in memory.
 */
export class TreeWriter {
  readonly #writer: BlobWriter;
  readonly #tally: BackupTally;
  readonly #open: OpenTree[];

  /** The targets by their absolute paths: one that turns out empty is worth a word, it may be a disk that is not mounted. */
  readonly #targets: ReadonlySet<string>;

  /** `parent` is the parent's root. */
  constructor(
    writer: BlobWriter,
    tally: BackupTally,
    targets: readonly { readonly absolute: string }[],
    parent?: ParentDirectory,
  ) {
    this.#writer = writer;
    this.#tally = tally;
    this.#open = [new OpenTree(parent)];
    this.#targets = new Set(targets.map(({ absolute }) => absolute));
  }

  async add(entries: readonly SavedEntry[]): Promise<void> {
    for (const entry of entries)
      if (entry.kind === "leave") await this.#leave(entry);
      else this.#addNow(entry);
  }

  #addNow(entry: Exclude<SavedEntry, { kind: "leave" }>): void {
    switch (entry.kind) {
      case "enter":
        this.#open.push(new OpenTree(entry.known));
        if (entry.known) this.#tally.filesKept(entry.snapshotPath, entry.known);
        break;
      case "file":
        if (entry.node) this.#top().add(entry.node);
    }
  }

  /** Saves the root; its id goes into the snapshot. Rejects with `source-unreadable` if nothing at all could be backed up. */
  async finish(): Promise<BlobId> {
    invariant(this.#open.length === 1, "every directory that was entered is left");
    const root = this.#top();
    if (root.isEmpty)
      throw new EngineError("source-unreadable", "There is nothing to back up: none of the sources could be read", {
        hint: "Check the paths. No snapshot was made.",
      });
    const { id } = await this.#save(root);
    return id;
  }

  async #leave(entry: Extract<SavedEntry, { kind: "leave" }>): Promise<void> {
    const left = this.#open.pop();
    invariant(left !== undefined && this.#open.length > 0, "a directory is entered before it is left");
    if (left.isEmpty && this.#targets.has(entry.path))
      this.#tally.problem({
        path: entry.path,
        message: "nothing in this folder was backed up: is it empty, or not mounted?",
      });
    const tree = await this.#save(left);
    const { parent } = this.#top();
    const action = !parent?.has(entry.name) ? "new" : parent.subtree(entry.name) === tree.id ? "unchanged" : "changed";
    this.#top().addDirectory(entry.name, entry.metadata, tree.id);
    this.#tally.directoryDone(entry.snapshotPath, action, tree);
  }

  #top(): OpenTree {
    const top = this.#open.at(-1);
    invariant(top !== undefined, "the root is always open");
    return top;
  }

  async #save(open: OpenTree): Promise<SavedTree> {
    const finished = open.finish();
    if (typeof finished === "string") return { id: finished, isNew: false, bytes: 0, storedBytes: 0 };
    const saved = await this.#writer.save("tree", finished);
    const tree = { ...saved, bytes: finished.length };
    this.#tally.treeSaved(tree);
    return tree;
  }
}
