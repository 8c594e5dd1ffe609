import { EngineError, isEngineError } from "../../errors/engine-error.ts";
import { invariant } from "../../errors/invariant.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobHandle, BlobLocation, BlobType } from "../../format/blob.ts";
import { type BlobId, shortId } from "../../format/ids.ts";
import { idWords, rowId } from "../../format/index-rows.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import { TreeRooms } from "../../format/tree-room.ts";
import { putIdWords, type TreeRows } from "../../format/tree-rows.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { LostBlob } from "./copy-blobs.ts";
import { GrowingColumn } from "../../target/growing-column.ts";

/**
 * Finds what a destination lacks of the source's trees. Memory: a bit for each blob of the source, and four bytes for each that is to be copied.
 */
export class MissingBlobs {
  readonly #source: Repository;
  readonly #destination: Repository;
  /** A bit for each row of the source's index that was met. */
  readonly #met: Uint8Array;
  /** The rows of what is to be copied. */
  #wanted = new GrowingColumn<Uint32Array<ArrayBuffer>>(Uint32Array);
  #wantedBytes = 0;
  #lost: LostBlob | undefined;
  readonly #rooms = new TreeRooms();
  readonly #id = new Uint32Array(idWords);
  readonly #idBytes = new Uint8Array(this.#id.buffer);

  constructor(source: Repository, destination: Repository) {
    this.#source = source;
    this.#destination = destination;
    this.#met = new Uint8Array(Math.ceil(source.index.blobCount / 8));
  }

  get count(): number {
    return this.#wanted.count;
  }

  /** As they are stored in the source. */
  get bytes(): number {
    return this.#wantedBytes;
  }

  /** Looks through everything below a tree that was not looked through before. Gives the first blob that can't be had, and stops there. */
  async addTree(root: BlobId, options: Abortable): Promise<LostBlob | undefined> {
    // A stack instead of recursion: a hostile repository may nest as deep as it likes.
    const waiting = [root];
    for (let tree = waiting.pop(); tree && !this.#lost; tree = waiting.pop()) {
      if (!this.#meet("tree", this.#wordsOf(tree))) continue;
      try {
        // The first of them next, as they lie in their packs.
        waiting.push(...(await this.#addFolder(tree, options)).reverse());
      } catch (error) {
        if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
        return { blob: { type: "tree", id: tree }, error };
      }
    }
    return this.#lost;
  }

  /** What is to be copied, pack by pack, and forgets it. */
  *takePacks(): Generator<BlobLocation[], void, undefined> {
    const { index } = this.#source;
    const wanted = this.#wanted.values().sort();
    this.#wanted = new GrowingColumn<Uint32Array<ArrayBuffer>>(Uint32Array);
    this.#wantedBytes = 0;
    let packRow = 0;
    let blobs: BlobLocation[] = [];
    for (const row of wanted) {
      if (row >= index.blobRowsOf(packRow).end) {
        if (blobs.length > 0) yield blobs;
        blobs = [];
        while (row >= index.blobRowsOf(packRow).end) packRow += 1;
      }
      blobs.push(index.locationOf(packRow, row));
    }
    if (blobs.length > 0) yield blobs;
  }

  /** The trees in it. */
  async #addFolder(tree: BlobId, { signal }: Abortable): Promise<BlobId[]> {
    const room = this.#rooms.take();
    try {
      const bytes = await treeReaderOf(this.#source).read(tree, { signal, room });
      const rows = readTreeRows(bytes, room);
      if (rows) return this.#addRows(rows);
      const nodes = decodeLoadedTree(bytes, tree);
      for (const { content = [] } of nodes) for (const id of content) this.#meet("data", this.#wordsOf(id));
      return nodes.flatMap(({ subtree }) => subtree ?? []);
    } finally {
      this.#rooms.giveBack(room);
    }
  }

  #addRows(rows: TreeRows): BlobId[] {
    const below: BlobId[] = [];
    for (let row = 0; row < rows.count; row += 1) {
      const subtree = rows.subtree(row);
      if (subtree) below.push(subtree);
      const count = rows.contentCount(row) ?? 0;
      for (let number = 0; number < count; number += 1) {
        putIdWords(rows.bytes, rows.contentIdAt(row, number), this.#id);
        this.#meet("data", this.#id);
      }
    }
    return below;
  }

  /** False if the blob was met before, or the source lacks it: that is noted. */
  #meet(type: BlobType, id: Uint32Array): boolean {
    const { index } = this.#source;
    const row = index.rowOf(type, id, 0);
    if (row === -1) {
      this.#lost ??= lostBlob({ type, id: rowId(id, 0) as BlobId });
      return false;
    }
    const bit = 1 << (row & 7);
    const byte = this.#met[row >>> 3] as number;
    if (byte & bit) return false;
    this.#met[row >>> 3] = byte | bit;
    if (this.#destination.index.hasId(type, id, 0)) return true;
    this.#wanted.push(row);
    this.#wantedBytes += index.lengthOf(row);
    return true;
  }

  /** Good until the next id. */
  #wordsOf(id: BlobId): Uint32Array {
    const { written } = this.#idBytes.setFromHex(id);
    invariant(written === this.#idBytes.length, "an id has 64 hex digits");
    return this.#id;
  }
}

function lostBlob(blob: BlobHandle): LostBlob {
  const error = new EngineError(
    "not-found",
    `The ${blob.type} blob ${shortId(blob.id)} is in no index of the repository`,
  );
  return { blob, error };
}
