import { atimeAt, entryWords, gidAt, linksAt, modeAt, mtimeAt, typeOfMode, uidAt } from "../format/entry-table.ts";
import type { BlobId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";
import { idAt, type TreeRows } from "../format/tree-rows.ts";
import type { EntryMetadata } from "./file-target.ts";

/**
 * The entries of a directory, by their rows in the order of its tree. Of most a restore asks only for what is here: making a node of each would
 * be half of the work of planning.
 */
export interface TreeEntries {
  readonly count: number;
  name(row: number): string;
  type(row: number): Node["type"];
  /** Of a directory; undefined in a damaged tree. */
  subtree(row: number): BlobId | undefined;
  /** Of a regular file, in bytes. */
  size(row: number): number;
  /** Whether it is one of several links to a file. */
  hasLinks(row: number): boolean;
  /** How many blobs a file's content has; undefined if a damaged tree says none. */
  contentCount(row: number): number | undefined;
  contentId(row: number, number: number): BlobId;
  /** What is to be set on it, if that is no attributes; otherwise undefined: then it is in the node. The names of owners are left out. */
  simpleMetadata(row: number): EntryMetadata | undefined;
  node(row: number): Node;
  /** Gives memory back. No row is asked for any more. */
  free(): void;
}

/** From the nodes themselves. */
export class NodeEntries implements TreeEntries {
  readonly #nodes: readonly Node[];

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  get count(): number {
    return this.#nodes.length;
  }

  name(row: number): string {
    return this.node(row).name;
  }

  type(row: number): Node["type"] {
    return this.node(row).type;
  }

  subtree(row: number): BlobId | undefined {
    return this.node(row).subtree;
  }

  size(row: number): number {
    return this.node(row).size;
  }

  hasLinks(row: number): boolean {
    return this.node(row).links > 1n;
  }

  contentCount(row: number): number | undefined {
    return this.node(row).content?.length;
  }

  contentId(row: number, number: number): BlobId {
    return this.node(row).content?.[number] as BlobId;
  }

  simpleMetadata(row: number): EntryMetadata | undefined {
    const node = this.node(row);
    return node.extendedAttributes.length === 0 && node.genericAttributes.size === 0 ? node : undefined;
  }

  node(row: number): Node {
    return this.#nodes[row] as Node;
  }

  free(): void {
    // Nothing but nodes.
  }
}

/** From a tree that was read as rows. */
export class RowEntries implements TreeEntries {
  readonly #rows: TreeRows;
  readonly #onFree: () => void;

  constructor(rows: TreeRows, onFree: () => void) {
    this.#rows = rows;
    this.#onFree = onFree;
  }

  get count(): number {
    return this.#rows.count;
  }

  name(row: number): string {
    return this.#rows.entries.name(row);
  }

  type(row: number): Node["type"] {
    // Rows are only made of trees whose types fit their modes.
    return typeOfMode(this.#rows.entries.word(row, modeAt)) as Node["type"];
  }

  subtree(row: number): BlobId | undefined {
    return this.#rows.subtree(row);
  }

  size(row: number): number {
    return this.#rows.entries.size(row);
  }

  hasLinks(row: number): boolean {
    return this.#rows.entries.word(row, linksAt) > 1;
  }

  contentCount(row: number): number | undefined {
    return this.#rows.contentCount(row);
  }

  contentId(row: number, number: number): BlobId {
    return idAt(this.#rows.bytes, this.#rows.contentIdAt(row, number));
  }

  simpleMetadata(row: number): EntryMetadata | undefined {
    if (this.#rows.isRare(row)) return undefined;
    const { entries } = this.#rows;
    return {
      type: this.type(row),
      mode: entries.word(row, modeAt),
      uid: entries.word(row, uidAt),
      gid: entries.word(row, gidAt),
      atimeNs: timeNs(entries.words, row * entryWords + atimeAt),
      mtimeNs: timeNs(entries.words, row * entryWords + mtimeAt),
      user: "",
      group: "",
      extendedAttributes: [],
      genericAttributes: noAttributes,
    };
  }

  node(row: number): Node {
    return this.#rows.node(row);
  }

  free(): void {
    this.#onFree();
  }
}

const noAttributes: ReadonlyMap<string, string> = new Map();
const nsPerSecond = 1_000_000_000n;

/** Seconds in 64 bits, the lower half first, then nanoseconds. */
function timeNs(words: Uint32Array, at: number): bigint {
  const seconds = ((words[at + 1] as number) | 0) * 2 ** 32 + (words[at] as number);
  return BigInt(seconds) * nsPerSecond + BigInt(words[at + 2] as number);
}
