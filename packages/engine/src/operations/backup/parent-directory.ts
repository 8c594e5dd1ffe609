import { isEngineError, type EngineError } from "../../errors/engine-error.ts";
import { type EntryTable, isSameEntry } from "../../format/entry-table.ts";
import type { BlobId } from "../../format/ids.ts";
import { idWords } from "../../format/index-rows.ts";
import { encodeName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import type { TreeRoom, TreeRooms } from "../../format/tree-room.ts";
import { putIdWords, type TreeRows } from "../../format/tree-rows.ts";
import type { TreeBuilder } from "../../format/tree.ts";
import { decodeLoadedTree } from "../../repository/load-tree.ts";
import type { TreeReader } from "../../repository/tree-reader.ts";
import type { BlobHandle } from "../../format/blob.ts";
import type { KnownDirectory } from "../../source/known-directory.ts";

/** What the directories of a parent snapshot share. */
export interface ParentSnapshot {
  readonly trees: TreeReader;
  /** Whether the repository holds a blob, as far as is known. */
  readonly has: (handle: BlobHandle) => boolean;
  /** `has` for data, with the words of the id at the beginning of `words`. */
  readonly hasData: (words: Uint32Array) => boolean;
  /** What `lstat` tells is enough to know an entry again, with all that its node says. */
  readonly isComparable: boolean;
  /** Told of a tree that can't be read. It is as one that is not there: its files are read again, which heals the next snapshot. */
  readonly onDamagedTree: (id: BlobId, error: EngineError) => void;
  readonly signal: AbortSignal;
  /** Of directories that were left. */
  readonly rooms: TreeRooms;
}

/**
 * A directory of the parent snapshot: recognises entries that are still the same, and keeps count of them. Their nodes are never made: if the
 * directory is to be written again because of others, their JSON is copied, and if all are the same it is not written at all.
 */
export class ParentDirectory implements KnownDirectory<ParentDirectory> {
  readonly #snapshot: ParentSnapshot;
  /** Its tree. */
  readonly id: BlobId;
  readonly treeBytes: number;
  /** Undefined if entries can't be compared, or the tree is not written as we write it. */
  #rows: TreeRows | undefined;
  /** In place of rows. */
  #nodes: ReadonlyMap<string, Node>;
  /** What was found out about each row. */
  #found: Uint8Array;
  #room: TreeRoom | undefined;
  #keptCount = 0;

  /** Undefined if the tree can't be read. */
  static async load(snapshot: ParentSnapshot, id: BlobId): Promise<ParentDirectory | undefined> {
    const { trees, rooms, isComparable, signal } = snapshot;
    const room = rooms.take();
    try {
      const bytes = await trees.read(id, { signal, room });
      const rows = isComparable ? readTreeRows(bytes, room) : undefined;
      if (rows) return new ParentDirectory(snapshot, id, bytes.length, { rows, nodes: [], room });
      const nodes = decodeLoadedTree(bytes, id);
      rooms.giveBack(room);
      return new ParentDirectory(snapshot, id, bytes.length, { nodes });
    } catch (error) {
      if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
      snapshot.onDamagedTree(id, error);
      return undefined;
    }
  }

  private constructor(
    snapshot: ParentSnapshot,
    id: BlobId,
    treeBytes: number,
    { rows, nodes, room }: { rows?: TreeRows; nodes: readonly Node[]; room?: TreeRoom },
  ) {
    this.#snapshot = snapshot;
    this.id = id;
    this.treeBytes = treeBytes;
    this.#rows = rows;
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
    this.#room = room;
    this.#found = room?.marks(rows?.count ?? 0) ?? nothing;
  }

  get takesEntries(): boolean {
    return this.#rows !== undefined;
  }

  take(entries: EntryTable, row: number): boolean {
    const rows = this.#rows;
    if (!rows) return false;
    const known = rows.entries.find(entries.nameBytes, entries.nameEnd(row - 1), entries.nameEnd(row));
    if (known === -1 || !isSameEntry(entries, row, rows.entries, known)) return false;
    const type = rows.entries.type(known);
    if (type === "dir") {
      this.#found[known] = sameDirectory;
      return false;
    }
    if (type === "file" && !this.#hasContent(rows, known)) return false;
    this.#keepRow(known);
    return true;
  }

  isSameDirectory(name: string): boolean {
    const row = this.#row(name);
    return row !== -1 && this.#found[row] === sameDirectory;
  }

  node(name: string): Node | undefined {
    const row = this.#row(name);
    return row === -1 ? this.#nodes.get(name) : this.#rows?.node(row);
  }

  async below(name: string): Promise<ParentDirectory | undefined> {
    const tree = this.subtree(name);
    return tree && (await ParentDirectory.load(this.#snapshot, tree));
  }

  has(name: string): boolean {
    return this.#row(name) !== -1 || this.#nodes.has(name);
  }

  /** The tree of a directory in it. */
  subtree(name: string): BlobId | undefined {
    const row = this.#row(name);
    return row === -1 ? this.#nodes.get(name)?.subtree : this.#rows?.subtree(row);
  }

  /** Says that a directory which `isSameDirectory` has the same tree too. */
  keepDirectory(name: string): void {
    this.#keepRow(this.#row(name));
  }

  get keptCount(): number {
    return this.#keptCount;
  }

  /** Everything in it was kept, and the repository has its tree. */
  get isWhollyKept(): boolean {
    return this.#rows?.count === this.#keptCount && this.#snapshot.has({ type: "tree", id: this.id });
  }

  /** How many regular files were taken, and their bytes. */
  keptFiles(): { files: number; bytes: number } {
    let files = 0;
    let bytes = 0;
    for (const { size } of this.#keptFileRows()) {
      files += 1;
      bytes += size;
    }
    return { files, bytes };
  }

  /** The regular files that were taken. */
  *eachKeptFile(): Generator<{ readonly name: string; readonly size: number }, void, undefined> {
    for (const { row, size } of this.#keptFileRows()) yield { name: this.#rows?.entries.name(row) ?? "", size };
  }

  /** Copies the kept entries from `row` on into a tree, those before the name `end` or all, and gives the row that is next. */
  copyKept(tree: TreeBuilder, row: number, end?: string): number {
    const rows = this.#rows;
    if (!rows) return row;
    const endName = end === undefined ? undefined : encodeName(end);
    const isBeforeEnd = (at: number) => !endName || rows.entries.compareName(at, endName) < 0;
    let at = row;
    // Neighbours that are kept stand side by side in the parent's tree, commas and all.
    let runStart = row;
    const copyRun = () => {
      if (at > runStart) tree.addEncoded(rows.bytes.subarray(rows.start(runStart), rows.end(at - 1)));
    };
    for (; at < rows.count && isBeforeEnd(at); at += 1) {
      if (this.#found[at] === kept) continue;
      copyRun();
      runStart = at + 1;
    }
    copyRun();
    return at;
  }

  /** Gives its memory back, for the next directory: it is left, and whoever still holds it has no more questions. */
  release(): void {
    this.#rows = undefined;
    this.#nodes = noNodes;
    this.#found = nothing;
    const room = this.#room;
    this.#room = undefined;
    if (room) this.#snapshot.rooms.giveBack(room);
  }

  #row(name: string): number {
    return this.#rows ? this.#rows.find(name) : -1;
  }

  #keepRow(row: number): void {
    if (this.#found[row] === kept) return;
    this.#found[row] = kept;
    this.#keptCount += 1;
  }

  #hasContent(rows: TreeRows, row: number): boolean {
    const count = rows.contentCount(row);
    if (count === undefined) return false;
    for (let number = 0; number < count; number += 1) {
      putIdWords(rows.bytes, rows.contentIdAt(row, number), contentId);
      if (!this.#snapshot.hasData(contentId)) return false;
    }
    return true;
  }

  *#keptFileRows(): Generator<{ readonly row: number; readonly size: number }, void, undefined> {
    const entries = this.#rows?.entries;
    if (!entries) return;
    for (let row = 0; row < entries.count; row += 1)
      if (this.#found[row] === kept && entries.type(row) === "file") yield { row, size: entries.size(row) };
  }
}

/** The id that is looked for, so that a look makes no garbage. */
const contentId = new Uint32Array(idWords);
const nothing = new Uint8Array(0);
const noNodes: ReadonlyMap<string, Node> = new Map();

/** A directory whose own node is the same. */
const sameDirectory = 1;
/** The entry is as it was, with all that is in it. */
const kept = 2;
