import { invariant } from "../errors/invariant.ts";
import type { BlobType, PackedBlob } from "./blob.ts";
import { concatBytes } from "./concat-bytes.ts";
import { type ObjectId, objectIdFromBytes } from "./ids.ts";

/** Ids are eight words: the 32 bytes as they come, in the order of this machine. */
export const idWords = 8;
const idBytes = 32;

/** A blob's row: its id and these three numbers. */
export const blobRowWords = 11;
export const offsetAt = 8;
export const lengthAt = 9;
export const uncompressedLengthAt = 10;

/** A pack's row: its id and how many blobs of either type it has. */
export const packRowWords = 10;
export const dataCountAt = 8;
export const treeCountAt = 9;

/** What index files say, as rows. */
export interface FilledIndexRows {
  readonly packCount: number;
  /** Rows of `packRowWords`. */
  readonly packs: Uint32Array;
  /** Rows of `blobRowWords`, pack after pack, within a pack data before trees and each by offset. */
  readonly blobs: Uint32Array;
}

/** The ids of the packs, one for each row. */
export function* packIdsIn({ packs, packCount }: FilledIndexRows): Generator<ObjectId, void, undefined> {
  const bytes = bytesOf(packs);
  for (let n = 0; n < packCount; n++) {
    const at = n * packRowWords * 4;
    yield objectIdFromBytes(bytes.subarray(at, at + idBytes));
  }
}

/** The id in a row, as hex digits. `at` is where the row begins. */
export function rowId(rows: Uint32Array, at: number): string {
  return new Uint8Array(rows.buffer, rows.byteOffset + 4 * at, idBytes).toHex();
}

/** All packs of all these rows, one after another. */
export function joinIndexRows(all: readonly FilledIndexRows[]): FilledIndexRows {
  return {
    packs: joinWords(all.map(({ packs }) => packs)),
    blobs: joinWords(all.map(({ blobs }) => blobs)),
    packCount: all.reduce((count, { packCount }) => count + packCount, 0),
  };
}

/** The packs of these rows that `isWanted` says yes to. */
export function pickPacks(rows: FilledIndexRows, isWanted: (pack: ObjectId) => boolean): FilledIndexRows {
  const packs: Uint32Array[] = [];
  const blobs: Uint32Array[] = [];
  let row = 0;
  let at = 0;
  for (const id of packIdsIn(rows)) {
    const pack = rows.packs.subarray(row, row + packRowWords);
    const end = at + ((pack[dataCountAt] ?? 0) + (pack[treeCountAt] ?? 0)) * blobRowWords;
    if (isWanted(id)) {
      packs.push(pack);
      blobs.push(rows.blobs.subarray(at, end));
    }
    row += packRowWords;
    at = end;
  }
  return { packs: joinWords(packs), blobs: joinWords(blobs), packCount: packs.length };
}

/** The same rows in parts, each ending with the pack that brings it to `blobsMax` blobs. They share the memory. */
export function* partsOfRows(rows: FilledIndexRows, blobsMax: number): Generator<FilledIndexRows, void, undefined> {
  let firstPack = 0;
  let firstBlob = 0;
  let blob = 0;
  for (let pack = 0; pack < rows.packCount; pack++) {
    const at = pack * packRowWords;
    blob += (rows.packs[at + dataCountAt] ?? 0) + (rows.packs[at + treeCountAt] ?? 0);
    if (blob - firstBlob < blobsMax && pack + 1 < rows.packCount) continue;
    yield {
      packCount: pack + 1 - firstPack,
      packs: rows.packs.subarray(firstPack * packRowWords, (pack + 1) * packRowWords),
      blobs: rows.blobs.subarray(firstBlob * blobRowWords, blob * blobRowWords),
    };
    firstPack = pack + 1;
    firstBlob = blob;
  }
}

/**
 * Gathers what index files say, in flat arrays of 32-bit words instead of millions of objects and strings. It is filled row by row: the bytes of an id go where `packIdAt` or
 * `blobIdAt` says, then `endBlob` and `endPack` complete the row.
 */
export class IndexRows implements FilledIndexRows {
  packCount = 0;
  blobCount = 0;
  #packs: Uint32Array<ArrayBuffer>;
  #blobs: Uint32Array<ArrayBuffer>;
  #blobBytes: Uint8Array<ArrayBuffer>;
  /** Of the pack being filled, in the order in which its blobs came. */
  #types: BlobType[] = [];
  #isInOrder = true;

  /** Room for so many packs and blobs is made at once; beyond that it grows. */
  constructor(packs = 16, blobs = 512) {
    this.#packs = new Uint32Array(packs * packRowWords);
    this.#blobs = new Uint32Array(blobs * blobRowWords);
    this.#blobBytes = new Uint8Array(this.#blobs.buffer);
  }

  get packs(): Uint32Array {
    return this.#packs.subarray(0, this.packCount * packRowWords);
  }

  get blobs(): Uint32Array {
    return this.#blobs.subarray(0, this.blobCount * blobRowWords);
  }

  /** Adds a whole pack. */
  addPack(id: string, blobs: readonly PackedBlob[]): void {
    setHex(this.packIdPlace(), id);
    for (const blob of blobs) {
      invariant(
        [blob.offset, blob.length, blob.uncompressedLength].every((number) => number >>> 0 === number),
        "a number of the index fits 32 bits",
      );
      this.makeRoomForBlob();
      const at = this.blobIdAt;
      setHex(this.#blobBytes.subarray(at, at + idBytes), blob.id);
      this.endBlob(blob.type, blob.offset, blob.length, blob.uncompressedLength);
    }
    this.endPack();
  }

  /** Where the id of the pack that `endPack` will end goes. */
  packIdPlace(): Uint8Array {
    if ((this.packCount + 1) * packRowWords > this.#packs.length) this.#packs = doubled(this.#packs);
    return new Uint8Array(this.#packs.buffer, this.packCount * packRowWords * 4, idBytes);
  }

  /** To be called before a blob's id is written. */
  makeRoomForBlob(): void {
    if ((this.blobCount + 1) * blobRowWords <= this.#blobs.length) return;
    this.#blobs = doubled(this.#blobs);
    this.#blobBytes = new Uint8Array(this.#blobs.buffer);
  }

  /** All blob rows as bytes; the id of the blob that `endBlob` will end goes to `blobIdAt`. Another array after `makeRoomForBlob`. */
  get blobBytes(): Uint8Array {
    return this.#blobBytes;
  }

  get blobIdAt(): number {
    return this.blobCount * blobRowWords * 4;
  }

  endBlob(type: BlobType, offset: number, length: number, uncompressedLength: number): void {
    const at = this.blobCount * blobRowWords;
    this.#blobs[at + offsetAt] = offset;
    this.#blobs[at + lengthAt] = length;
    this.#blobs[at + uncompressedLengthAt] = uncompressedLength;
    const before = this.#types.at(-1);
    if (before !== undefined) {
      const isAfter = before === type ? offset >= (this.#blobs[at - blobRowWords + offsetAt] ?? 0) : type === "tree";
      if (!isAfter) this.#isInOrder = false;
    }
    this.#types.push(type);
    this.blobCount += 1;
  }

  endPack(): void {
    const types = this.#types;
    if (!this.#isInOrder) this.#sortPack();
    let treeCount = 0;
    for (const type of types) if (type === "tree") treeCount += 1;
    const at = this.packCount * packRowWords;
    this.#packs[at + dataCountAt] = types.length - treeCount;
    this.#packs[at + treeCountAt] = treeCount;
    this.packCount += 1;
    this.#types.length = 0;
    this.#isInOrder = true;
  }

  #sortPack(): void {
    const types = this.#types;
    const first = this.blobCount - types.length;
    const rows = this.#blobs.slice(first * blobRowWords, this.blobCount * blobRowWords);
    const offsetOf = (n: number) => rows[n * blobRowWords + offsetAt] ?? 0;
    const order = [...types.keys()].sort((a, b) =>
      types[a] === types[b] ? offsetOf(a) - offsetOf(b) : types[a] === "data" ? -1 : 1,
    );
    order.forEach((from, to) => {
      const row = rows.subarray(from * blobRowWords, (from + 1) * blobRowWords);
      this.#blobs.set(row, (first + to) * blobRowWords);
    });
  }
}

function joinWords(parts: readonly Uint32Array[]): Uint32Array {
  return new Uint32Array(concatBytes(parts.map(bytesOf)).buffer);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function setHex(place: Uint8Array, hex: string): void {
  const { read, written } = place.setFromHex(hex);
  invariant(written === idBytes && read === hex.length, "an id has 64 hex digits");
}

function doubled(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(words.length * 2, 16 * blobRowWords));
  larger.set(words);
  return larger;
}
