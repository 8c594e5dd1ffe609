import { plainBytesOf } from "../blob/plain-bytes.ts";
import type { BlobHandle, BlobLocation, BlobType, PackedBlob } from "../format/blob.ts";
import { type BlobId, blobIdFromBytes, type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import {
  blobRowWords,
  dataCountAt,
  type FilledIndexRows,
  idWords,
  IndexRows,
  lengthAt,
  offsetAt,
  packRowWords,
  treeCountAt,
  uncompressedLengthAt,
} from "../format/index-rows.ts";
import {
  compressedEntryBytes,
  type PackHeaderEntry,
  packOverheadBytes,
  possiblePackHeader,
  rawEntryBytes,
} from "../format/pack-header.ts";
import { invariant } from "../errors/invariant.ts";
import { IdSlots } from "./id-slots.ts";
import { WordRows } from "./word-rows.ts";

/** A pack that the index names. */
export interface IndexedPack {
  readonly pack: ObjectId;
  readonly blobCount: number;
  /** How large a pack with these blobs is. */
  readonly sizeBytes: number;
  /** Whether it has trees and data. */
  readonly isMixed: boolean;
  /** The plaintext of its header; undefined if there can be no pack with these blobs. Made anew each time. */
  readonly header: Uint8Array | undefined;
  /** What is in it, by offset: made anew each time, since a repository's blobs as objects take a hundred bytes each. */
  readonly blobs: PackedBlob[];
}

/** In the rows of packs: the first row of the pack's blobs, which go on to the next pack's first. */
const firstBlobAt = 8;

/**
 * Which pack holds which blob: what all index files of a repository say together, and what this run has stored since. It lives in flat
 * arrays, 44 bytes a blob and 5 to 11 to find it, so millions of blobs fit and asking for one makes no garbage.
 *
 * The same blob may be in several packs; every copy is kept, since another may be damaged. The same pack may be in several index files:
 * identical entries count once, different ones are all kept and told by `conflictingPacks`.
 */
export class BlobIndex {
  /** Pack after pack; in a pack data before trees, each by offset. */
  readonly #blobs = new WordRows(blobRowWords);
  readonly #packs = new WordRows(packRowWords);
  readonly #slots: Record<BlobType, IdSlots> = { data: new IdSlots(this.#blobs), tree: new IdSlots(this.#blobs) };
  /** Packs whose blobs are in `#slots`, counted from the first. */
  #findablePacks = 0;
  readonly #packSlots = new IdSlots(this.#packs);
  readonly #conflicting = new Set<ObjectId>();
  #packCount = 0;
  #hasRepeatedPacks = false;
  /** The id that is looked for, so that a lookup makes no garbage. */
  readonly #wanted = new Uint32Array(idWords);
  readonly #wantedBytes = new Uint8Array(this.#wanted.buffer);

  /** Copies are counted one by one. */
  get blobCount(): number {
    return this.#blobs.count;
  }

  get packCount(): number {
    return this.#packCount;
  }

  /** Takes in a pack. The blobs may come in any order, as they do in index files. */
  add(pack: ObjectId, blobs: readonly PackedBlob[]): void {
    const rows = new IndexRows(1, blobs.length);
    rows.addPack(pack, blobs);
    this.addRows(rows);
  }

  /** Takes in all packs of an index file. */
  addRows({ packs, blobs, packCount }: FilledIndexRows): void {
    let first = 0;
    for (let pack = 0; pack < packCount; pack++) {
      const at = pack * packRowWords;
      const dataCount = packs[at + dataCountAt] ?? 0;
      const treeCount = packs[at + treeCountAt] ?? 0;
      if (this.#isNews(packs, at, blobs, first, dataCount, treeCount)) {
        const row = new Uint32Array(packRowWords);
        row.set(packs.subarray(at, at + idWords));
        row[firstBlobAt] = this.#blobs.count;
        row[treeCountAt] = treeCount;
        this.#packs.append(row, 0, 1);
        this.#packSlots.insert(this.#packs.count - 1, 1);
        this.#blobs.append(blobs, first, dataCount + treeCount);
      }
      first += dataCount + treeCount;
    }
  }

  has(handle: BlobHandle): boolean {
    return this.#findable(handle.type).find(this.#want(handle.id)) !== -1;
  }

  /** `has`, with the words of the id at `at` in `ids`. */
  hasId(type: BlobType, ids: Uint32Array, at: number): boolean {
    return this.#findable(type).find(ids, at) !== -1;
  }

  /** How many bytes a blob gives when it is opened, with the words of its id at `at` in `ids`; undefined if it is unknown. */
  plainBytesOfId(type: BlobType, ids: Uint32Array, at: number): number | undefined {
    const row = this.#findable(type).find(ids, at);
    if (row === -1) return undefined;
    const length = this.#blobs.word(row, lengthAt);
    return plainBytesOf({ length, uncompressedLength: this.#blobs.word(row, uncompressedLengthAt) });
  }

  /** How many rows packs have: a pack with conflicting entries has one for each. */
  get packRowCount(): number {
    return this.#packs.count;
  }

  packIdOf(packRow: number): ObjectId {
    return this.#packAt(packRow);
  }

  /** The rows of a pack's blobs: data up to `firstTree`, trees from there on; `end` is not one of them. */
  blobRowsOf(packRow: number): { readonly first: number; readonly firstTree: number; readonly end: number } {
    const end = this.#firstBlobOf(packRow + 1);
    return { first: this.#firstBlobOf(packRow), firstTree: end - this.#packs.word(packRow, treeCountAt), end };
  }

  /** The row of a blob's first copy, with the words of its id at `at` in `ids`; −1 if it is unknown. */
  rowOf(type: BlobType, ids: Uint32Array, at: number): number {
    return this.#findable(type).find(ids, at);
  }

  /** By row of a blob: the row of the same blob's first copy, which is how a blob has one number however many copies there are. */
  firstCopies(): Uint32Array {
    const firstCopies = new Uint32Array(this.#blobs.count);
    for (let pack = 0; pack < this.#packs.count; pack++) {
      const { first, firstTree, end } = this.blobRowsOf(pack);
      for (let row = first; row < end; row++)
        firstCopies[row] = this.#findable(row < firstTree ? "data" : "tree").find(this.#blobs.row(row));
    }
    return firstCopies;
  }

  blobIdOf(row: number): BlobId {
    return blobIdFromBytes(idBytesAt(this.#blobs, row));
  }

  /** Of the sealed blob. */
  lengthOf(row: number): number {
    return this.#blobs.word(row, lengthAt);
  }

  /** Whether it is stored as it is, not compressed. */
  isRaw(row: number): boolean {
    return this.#blobs.word(row, uncompressedLengthAt) === 0;
  }

  locationOf(packRow: number, row: number): BlobLocation {
    const type = row < this.blobRowsOf(packRow).firstTree ? "data" : "tree";
    return { pack: this.#packAt(packRow), type, id: this.blobIdOf(row), ...this.#placeOf(row) };
  }

  /** What the pack takes beside its blobs: the header with its seal, and its length. */
  headerBytesOf(packRow: number): number {
    const { first, end } = this.blobRowsOf(packRow);
    let bytes = packOverheadBytes;
    for (let row = first; row < end; row++) bytes += this.isRaw(row) ? rawEntryBytes : compressedEntryBytes;
    return bytes;
  }

  hasPack(pack: ObjectId): boolean {
    return this.#packSlots.find(this.#want(pack)) !== -1;
  }

  /** Whether this pack is known to hold trees and nothing else. */
  isTreePack(pack: ObjectId): boolean {
    const rows = this.#packSlots.findAll(this.#want(pack));
    return rows.some((row) => {
      const trees = this.#packs.word(row, treeCountAt);
      return trees > 0 && trees === this.#firstBlobOf(row + 1) - this.#firstBlobOf(row);
    });
  }

  /** All copies of a blob, the one that was added first before the others; none if it is unknown. */
  find({ type, id }: BlobHandle): BlobLocation[] {
    const rows = this.#findable(type).findAll(this.#want(id));
    return rows.map((row) => ({ pack: this.#packAt(this.#packRowOf(row)), type, id, ...this.#placeOf(row) }));
  }

  /** Every pack with its blobs by offset; a pack with conflicting entries comes once for each. */
  *packs(): Generator<IndexedPack, void, undefined> {
    for (let row = 0; row < this.#packs.count; row++) yield this.#indexedPack(row);
  }

  /** Packs that index files disagree about: one of them is wrong, and only the pack's own header can tell which. */
  conflictingPacks(): ObjectId[] {
    return [...this.#conflicting];
  }

  /** Whether any pack was named more than once, with the same contents. */
  get hasRepeatedPacks(): boolean {
    return this.#hasRepeatedPacks;
  }

  /** The rows of blobs of one type, all of them findable. */
  #findable(type: BlobType): IdSlots {
    if (this.#findablePacks !== this.#packs.count) this.#makeFindable();
    return this.#slots[type];
  }

  /** Only when someone asks: the hash tables are then made once, for all blobs that were loaded, instead of growing with each file. */
  #makeFindable(): void {
    const { data, tree } = this.#slots;
    const firstNew = this.#findablePacks;
    let trees = 0;
    for (let row = firstNew; row < this.#packs.count; row++) trees += this.#packs.word(row, treeCountAt);
    tree.reserve(trees);
    data.reserve(this.#blobs.count - this.#firstBlobOf(firstNew) - trees);
    for (let row = firstNew; row < this.#packs.count; row++) {
      const first = this.#firstBlobOf(row);
      const end = this.#firstBlobOf(row + 1);
      const firstTree = end - this.#packs.word(row, treeCountAt);
      data.insert(first, firstTree - first);
      tree.insert(firstTree, end - firstTree);
    }
    this.#findablePacks = this.#packs.count;
  }

  /** False if the same is known of this pack. Counts it, and notes if something else is. */
  #isNews(
    packs: Uint32Array,
    at: number,
    blobs: Uint32Array,
    first: number,
    dataCount: number,
    treeCount: number,
  ): boolean {
    const known = this.#packSlots.findAll(packs, at);
    const [oldest] = known;
    if (oldest === undefined) {
      this.#packCount += 1;
      return true;
    }
    const count = dataCount + treeCount;
    for (const row of known) {
      const start = this.#firstBlobOf(row);
      if (this.#firstBlobOf(row + 1) - start !== count || this.#packs.word(row, treeCountAt) !== treeCount) continue;
      if (!this.#areBlobs(start, blobs, first, count)) continue;
      this.#hasRepeatedPacks = true;
      return false;
    }
    this.#conflicting.add(this.#packAt(oldest));
    return true;
  }

  #areBlobs(row: number, blobs: Uint32Array, first: number, count: number): boolean {
    for (let n = 0; n < count; n++) {
      const known = this.#blobs.row(row + n);
      const at = (first + n) * blobRowWords;
      if (known.some((word, i) => word !== blobs[at + i])) return false;
    }
    return true;
  }

  /** The row of the pack that a blob is in: the last whose blobs begin at or before it. */
  #packRowOf(blobRow: number): number {
    let low = 0;
    let high = this.#packs.count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#packs.word(middle, firstBlobAt) <= blobRow) low = middle;
      else high = middle;
    }
    return low;
  }

  #firstBlobOf(packRow: number): number {
    return packRow === this.#packs.count ? this.#blobs.count : this.#packs.word(packRow, firstBlobAt);
  }

  #packAt(row: number): ObjectId {
    return objectIdFromBytes(idBytesAt(this.#packs, row));
  }

  #indexedPack(row: number): IndexedPack {
    const first = this.#firstBlobOf(row);
    const end = this.#firstBlobOf(row + 1);
    const trees = this.#packs.word(row, treeCountAt);
    const blobCount = end - first;
    const entries = () => this.#entriesOf(row);
    return {
      pack: this.#packAt(row),
      blobCount,
      sizeBytes: this.#sizeOfPack(row),
      isMixed: trees > 0 && trees < blobCount,
      get header() {
        return possiblePackHeader(entries());
      },
      get blobs() {
        return entries().map((entry) => ({ ...entry, id: blobIdFromBytes(entry.id) }));
      },
    };
  }

  #sizeOfPack(packRow: number): number {
    const { first, end } = this.blobRowsOf(packRow);
    let size = this.headerBytesOf(packRow);
    for (let row = first; row < end; row++) size += this.lengthOf(row);
    return size;
  }

  /** The pack's blobs, by offset. */
  #entriesOf(packRow: number): PackHeaderEntry[] {
    const end = this.#firstBlobOf(packRow + 1);
    const firstTree = end - this.#packs.word(packRow, treeCountAt);
    const entries: PackHeaderEntry[] = [];
    for (let row = this.#firstBlobOf(packRow); row < end; row++) {
      const type = row < firstTree ? "data" : "tree";
      entries.push({ ...this.#placeOf(row), type, id: idBytesAt(this.#blobs, row) });
    }
    // Both runs are in order; only packs of version 1 mix the two.
    return entries.sort((a, b) => a.offset - b.offset);
  }

  #placeOf(row: number): Omit<PackedBlob, "type" | "id"> {
    return {
      offset: this.#blobs.word(row, offsetAt),
      length: this.#blobs.word(row, lengthAt),
      uncompressedLength: this.#blobs.word(row, uncompressedLengthAt),
    };
  }

  /** The words of an id; good until the next lookup. */
  #want(id: string): Uint32Array {
    const { written } = this.#wantedBytes.setFromHex(id);
    invariant(written === this.#wantedBytes.length && id.length === 2 * written, "an id has 64 hex digits");
    return this.#wanted;
  }
}

/** The bytes of the id that a row begins with, in place. */
function idBytesAt(rows: WordRows, row: number): Uint8Array {
  const words = rows.row(row);
  return new Uint8Array(words.buffer, words.byteOffset, idWords * 4);
}
