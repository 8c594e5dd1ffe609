import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import type { BlobId } from "../format/ids.ts";
import { compareNames } from "../format/names.ts";
import type { Node } from "../format/node.ts";
import { loadTree } from "../repository/load-tree.ts";
import type { Repository } from "../repository/repository.ts";
import { BlobSides, type Side } from "./diff/blob-sides.ts";
import { sameButContent, sameContent, sameNode } from "./diff/same-node.ts";
import { findSubfolder } from "./restore/find-subfolder.ts";
import type { FoundSnapshot } from "./snapshots.ts";
import { plainSize } from "./stats.ts";

export interface DiffRequest extends Abortable {
  readonly source: FoundSnapshot;
  readonly target: FoundSnapshot;
  /** Tell also of entries whose metadata changed. */
  readonly metadata?: boolean | undefined;
  /** Called for each change, in the order of the trees; a promise is awaited. */
  readonly onChange?: ((change: EntryChange) => Promise<void> | void) | undefined;
  /** Called for a folder that can't be read; what is below it is not compared. Without it the first one rejects. */
  readonly onUnreadable?: ((path: string, error: EngineError) => void) | undefined;
}

export interface EntryChange {
  /** From the root or the subfolder, as an escaped string; a folder ends with `/`. */
  readonly path: string;
  /**
   * Restic's letters: `+` added, `-` removed, `M` content changed, `T` another type, `U` metadata changed, `M?` content changed while nothing else did, which
   * may be a failing disk. Several may stand together.
   */
  readonly modifier: string;
}

/** What one side has and the other does not. */
export interface DiffSide {
  readonly files: number;
  readonly dirs: number;
  /** Links, devices, pipes. */
  readonly others: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of these blobs, before compression. */
  readonly bytes: number;
}

export interface DiffStatistics {
  readonly changedFiles: number;
  readonly added: DiffSide;
  readonly removed: DiffSide;
}

/** Compares two snapshots, or a folder of each, as restic's `diff` does. The index must be loaded. */
export async function diff(repository: Repository, request: DiffRequest): Promise<DiffStatistics> {
  const { source, target, signal } = request;
  const before = await findSubfolder(repository, source.snapshot, source.subfolder, { signal });
  const after = await findSubfolder(repository, target.snapshot, target.subfolder, { signal });
  const comparison = new Comparison(repository, request);
  await comparison.compare(before, after);
  return comparison.statistics();
}

const opposite = { before: "-", after: "+" } as const;

class Comparison {
  readonly #repository: Repository;
  readonly #request: DiffRequest;
  readonly #blobs = new BlobSides();
  readonly #entries = { before: { files: 0, dirs: 0, others: 0 }, after: { files: 0, dirs: 0, others: 0 } };
  #changedFiles = 0;

  constructor(repository: Repository, request: DiffRequest) {
    this.#repository = repository;
    this.#request = request;
  }

  async compare(before: BlobId, after: BlobId): Promise<void> {
    this.#blobs.add({ type: "tree", id: before }, "before");
    this.#blobs.add({ type: "tree", id: after }, "after");
    await this.#compareFolders("/", before, after);
  }

  statistics(): DiffStatistics {
    return { changedFiles: this.#changedFiles, added: this.#side("after"), removed: this.#side("before") };
  }

  #side(side: "before" | "after"): DiffSide {
    const counts = { dataBlobs: 0, treeBlobs: 0, bytes: 0 };
    for (const handle of this.#blobs.only(side)) {
      counts[handle.type === "data" ? "dataBlobs" : "treeBlobs"] += 1;
      counts.bytes += plainSize(this.#repository, handle);
    }
    return { ...this.#entries[side], ...counts };
  }

  async #compareFolders(folder: string, before: BlobId, after: BlobId): Promise<void> {
    for (const { name, before: old, after: now } of pairs(await this.#load(before), await this.#load(after))) {
      if (old) this.#blobs.addNode(old, "before");
      if (now) this.#blobs.addNode(now, "after");
      if (old && now) await this.#compareEntries(folder + name, old, now);
      else if (old) await this.#tellOnly("before", folder, old);
      else if (now) await this.#tellOnly("after", folder, now);
    }
  }

  async #compareEntries(path: string, before: Node, after: Node): Promise<void> {
    const shown = after.type === "dir" ? `${path}/` : path;
    const modifier = this.#modifier(before, after);
    if (modifier !== "") await this.#request.onChange?.({ path: shown, modifier });
    const [old, now] = [subtreeOf(before), subtreeOf(after)];
    if (!old || !now) return;
    await this.#aroundDamage(shown, async () =>
      old === now ? await this.#collectCommon(old) : await this.#compareFolders(shown, old, now),
    );
  }

  #modifier(before: Node, after: Node): string {
    const type = typeOf(before) === typeOf(after) ? "" : "T";
    if (before.type === "file" && after.type === "file" && !sameContent(before, after)) {
      this.#changedFiles += 1;
      return `${type}M${sameButContent(before, after) ? "?" : ""}`;
    }
    return this.#request.metadata === true && !sameNode(before, after) ? `${type}U` : type;
  }

  /** An entry that only one side has, with all that is below it. Its own blobs are counted by the caller. */
  async #tellOnly(side: "before" | "after", folder: string, node: Node): Promise<void> {
    const path = folder + node.name + (node.type === "dir" ? "/" : "");
    await this.#request.onChange?.({ path, modifier: opposite[side] });
    this.#entries[side][node.type === "file" ? "files" : node.type === "dir" ? "dirs" : "others"] += 1;
    const subtree = subtreeOf(node);
    if (!subtree) return;
    await this.#aroundDamage(path, async () => {
      for (const child of await this.#load(subtree)) {
        this.#blobs.addNode(child, side);
        await this.#tellOnly(side, path, child);
      }
    });
  }

  /** What lies below a folder that did not change: its blobs are neither new nor gone, wherever else they are. */
  async #collectCommon(root: BlobId): Promise<void> {
    const common: Side = "common";
    const waiting = [root];
    for (let tree = waiting.pop(); tree; tree = waiting.pop())
      for (const node of await this.#load(tree)) {
        const subtree = subtreeOf(node);
        if (subtree && this.#blobs.add({ type: "tree", id: subtree }, common)) waiting.push(subtree);
        this.#blobs.addNode(node, common);
      }
  }

  async #load(tree: BlobId): Promise<Node[]> {
    return await loadTree(this.#repository, tree, this.#request);
  }

  async #aroundDamage(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#request.onUnreadable || !isEngineError(error, "corrupt-data", "not-found")) throw error;
      this.#request.onUnreadable(path, error);
    }
  }
}

/** The entries of two folders by name, in the order of names. */
function* pairs(
  before: readonly Node[],
  after: readonly Node[],
): Generator<{ name: string; before: Node | undefined; after: Node | undefined }, void, undefined> {
  const old = new Map(before.map((node) => [node.name, node]));
  const now = new Map(after.map((node) => [node.name, node]));
  for (const name of [...new Set([...old.keys(), ...now.keys()])].toSorted(compareNames))
    yield { name, before: old.get(name), after: now.get(name) };
}

function typeOf({ type, unknownType }: Node): string {
  return unknownType ?? type;
}

/** Only a folder's: what a damaged tree says of others is not followed. */
function subtreeOf({ type, name, subtree }: Node): BlobId | undefined {
  if (type !== "dir") return undefined;
  if (subtree) return subtree;
  throw new EngineError("corrupt-data", `The folder ${JSON.stringify(name)} names no tree`);
}
