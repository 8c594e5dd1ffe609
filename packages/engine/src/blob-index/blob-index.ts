import { areSamePackedBlobs } from "../blob/same-packed-blobs.ts";
import type { BlobHandle, BlobLocation, PackedBlob } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { BlobTable } from "./blob-table.ts";
import { IdTable } from "./id-table.ts";
import { NumberColumn } from "./number-column.ts";

/** A pack and what is in it, by offset. */
export interface IndexedPack {
  readonly pack: ObjectId;
  readonly blobs: PackedBlob[];
}

/**
 * Which pack holds which blob: what all index files of a repository say together, and what this run has stored since. It lives in flat
 * arrays, about 55 bytes a blob, so millions of blobs fit and asking for one makes no garbage.
 *
 * The same blob may be in several packs; every copy is kept, since another may be damaged. The same pack may be in several index files:
 * identical entries count once, different ones are all kept and told by `conflictingPacks`.
 */
export class BlobIndex {
  readonly #data = new BlobTable("data");
  readonly #trees = new BlobTable("tree");
  // One row for each pack that was added; its blobs are the rows of both tables from these on, up to the next pack's.
  readonly #packIds = new IdTable();
  readonly #firstDataRows = new NumberColumn();
  readonly #firstTreeRows = new NumberColumn();
  readonly #conflicting = new Set<ObjectId>();
  #packCount = 0;

  /** Copies are counted one by one. */
  get blobCount(): number {
    return this.#data.count + this.#trees.count;
  }

  get packCount(): number {
    return this.#packCount;
  }

  /** Takes in a pack. The blobs may come in any order, as they do in index files. */
  add(pack: ObjectId, blobs: readonly PackedBlob[]): void {
    const sorted = isInOrder(blobs) ? blobs : blobs.toSorted(byOffset);
    const known = this.#packIds.find(pack);
    if (known !== -1 && this.#isKnown(known, sorted)) return;
    if (known === -1) this.#packCount += 1;
    else this.#conflicting.add(pack);

    const row = this.#packIds.append(pack);
    this.#firstDataRows.append(this.#data.count);
    this.#firstTreeRows.append(this.#trees.count);
    for (const blob of sorted) this.#table(blob).append(row, blob);
  }

  has(handle: BlobHandle): boolean {
    return this.#table(handle).has(handle.id);
  }

  /** All copies of a blob, the one that was added first before the others; none if it is unknown. */
  find(handle: BlobHandle): BlobLocation[] {
    return this.#table(handle).find(handle.id, (row) => this.#packAt(row));
  }

  /** Every pack with its blobs by offset; a pack with conflicting entries comes once for each. */
  *packs(): Generator<IndexedPack, void, undefined> {
    for (let row = 0; row < this.#packIds.count; row++) yield { pack: this.#packAt(row), blobs: this.#blobsOf(row) };
  }

  /** Packs that index files disagree about: one of them is wrong, and only the pack's own header can tell which. */
  conflictingPacks(): ObjectId[] {
    return [...this.#conflicting];
  }

  #table({ type }: Pick<BlobHandle, "type">): BlobTable {
    return type === "data" ? this.#data : this.#trees;
  }

  #packAt(row: number): ObjectId {
    return this.#packIds.at(row) as ObjectId;
  }

  #blobsOf(row: number): PackedBlob[] {
    const isLast = row + 1 === this.#packIds.count;
    const dataEnd = isLast ? this.#data.count : this.#firstDataRows.at(row + 1);
    const treesEnd = isLast ? this.#trees.count : this.#firstTreeRows.at(row + 1);
    const blobs: PackedBlob[] = [];
    for (let at = this.#firstDataRows.at(row); at < dataEnd; at++) blobs.push(this.#data.at(at));
    for (let at = this.#firstTreeRows.at(row); at < treesEnd; at++) blobs.push(this.#trees.at(at));
    // Both runs are in order; only packs of version 1 mix the two.
    return isInOrder(blobs) ? blobs : blobs.sort(byOffset);
  }

  /** Whether the pack at `row`, or an older entry of the same pack, says exactly this. */
  #isKnown(row: number, blobs: readonly PackedBlob[]): boolean {
    for (let at = row; at !== -1; at = this.#packIds.findNext(at))
      if (areSamePackedBlobs(this.#blobsOf(at), blobs)) return true;
    return false;
  }
}

function byOffset(a: PackedBlob, b: PackedBlob): number {
  return a.offset - b.offset;
}

function isInOrder(blobs: readonly PackedBlob[]): boolean {
  return blobs.every((blob, i) => i === 0 || (blobs[i - 1]?.offset ?? 0) <= blob.offset);
}
