import { sealBlobInto, type SealedLengths } from "../blob/seal-blob.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { equalBytes } from "../crypto/equal-bytes.ts";
import { seal, sealOverheadBytes } from "../crypto/seal.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import { objectIdFromBytes, type ObjectId } from "../format/ids.ts";
import { compressedEntryBytes, maxHeaderBytes, putHeaderEntry } from "../format/pack-header.ts";
import { openPackHeader, packLengthFieldBytes } from "./read-pack.ts";

/** A pack ready to be stored. `bytes` may be a part of a larger buffer. */
export interface BuiltPack {
  /** SHA-256 of `bytes`: the pack's name. */
  readonly id: ObjectId;
  readonly bytes: Uint8Array;
  /** The plaintext of its header: what is in it, in order. */
  readonly header: Uint8Array;
}

/**
 * Collects sealed blobs and makes one pack of them (restic design.rst, "Pack Format"). The caller keeps trees and data apart, asks
 * `isFull` after each blob, and starts a new builder after `finish`. The pack grows in one buffer: nothing is held twice.
 */
export class PackBuilder {
  /** Grows with each blob: objects and strings for all of them would live until the pack is full. */
  #header = new Uint8Array(firstHeaderBytes);
  #headerBytes = 0;
  #blobCount = 0;
  #buffer: Uint8Array;
  #sizeBytes = 0;

  /** `buffer` is where the pack begins to grow; a larger one takes its place if it gets too small. */
  constructor(buffer: Uint8Array = new Uint8Array(firstBufferBytes)) {
    this.#buffer = buffer;
  }

  /** Of the sealed blobs, without the header. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get blobCount(): number {
    return this.#blobCount;
  }

  /** Whether it is time to finish: the blobs have the target size, so a pack exceeds it by one blob at most, or the header is full. */
  isFull(targetSizeBytes: number): boolean {
    return this.#sizeBytes >= targetSizeBytes || this.#blobCount >= maxBlobsPerPack;
  }

  /** Appends a blob that is sealed already; the bytes are copied. */
  add({ type, id }: BlobHandle, { sealed, uncompressedLength }: SealedBlob): void {
    this.#roomFor(sealed.length).set(sealed);
    this.#append(type, Uint8Array.fromHex(id), { sealedBytes: sealed.length, uncompressedLength });
  }

  /** Compresses and seals a blob, whose id has these bytes, right into the pack. Gives the bytes that it takes there. */
  seal(type: BlobType, id: Uint8Array, plain: Uint8Array, { primitives, masterKey, compression }: PackSealing): number {
    const room = this.#roomFor(plain.length + sealOverheadBytes);
    const lengths = sealBlobInto(primitives, masterKey, plain, compression, room);
    this.#append(type, id, lengths);
    return lengths.sealedBytes;
  }

  /** Makes the pack: the sealed blobs, the sealed header, the header's length. A pack has at least one blob. */
  finish(primitives: Primitives, key: MasterKey): BuiltPack {
    invariant(this.#blobCount > 0, "a pack has at least one blob");
    const header = this.#header.subarray(0, this.#headerBytes);
    // The header goes last: its length is known only once the pack is full.
    const sealed = seal(primitives, key, header);
    const end = this.#roomFor(sealed.length + packLengthFieldBytes);
    end.set(sealed);
    new DataView(end.buffer, end.byteOffset).setUint32(sealed.length, sealed.length, true);
    this.#assertReadsBack(primitives, key, end, header);
    const bytes = this.#buffer.subarray(0, this.#sizeBytes + end.length);
    return { id: objectIdFromBytes(primitives.sha256(bytes)), bytes, header };
  }

  #append(type: BlobType, id: Uint8Array, { sealedBytes, uncompressedLength }: SealedLengths): void {
    invariant(this.#blobCount < maxBlobsPerPack, "a pack that is full gets no more blobs");
    invariant(this.#sizeBytes + sealedBytes <= maxPackBlobBytes, "offsets in a pack fit 32 bits");
    if (this.#headerBytes + compressedEntryBytes > this.#header.length) {
      const larger = new Uint8Array(2 * this.#header.length);
      larger.set(this.#header);
      this.#header = larger;
    }
    const entry = { type, id, length: sealedBytes, uncompressedLength };
    this.#headerBytes = putHeaderEntry(this.#header, this.#headerBytes, entry);
    this.#blobCount += 1;
    this.#sizeBytes += sealedBytes;
  }

  /** The next `lengthBytes` of the pack. */
  #roomFor(lengthBytes: number): Uint8Array {
    const end = this.#sizeBytes + lengthBytes;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = larger;
    }
    return this.#buffer.subarray(this.#sizeBytes, end);
  }

  /** What can't be read back must never be uploaded: the index could not be rebuilt from it. */
  #assertReadsBack(primitives: Primitives, key: MasterKey, packEnd: Uint8Array, header: Uint8Array): void {
    const read = openPackHeader(primitives, key, packEnd, this.#sizeBytes + packEnd.length);
    const isSame = read.blobsEnd === this.#sizeBytes && equalBytes(read.header, header);
    invariant(isSame, "a pack's header reads back as the blobs that went in");
  }
}

/** How blobs are sealed. */
export interface PackSealing {
  readonly primitives: Primitives;
  readonly masterKey: MasterKey;
  readonly compression: Compression;
}

/** Many packs stay small: those of trees, and those of a day with few changes. */
const firstBufferBytes = 64 * 1024;
/** Of a hundred blobs. */
const firstHeaderBytes = 4096;

/** Packs are closed at this size of blobs unless the user wants another. */
export const defaultPackSizeBytes = 16 * 1024 * 1024;
/** The sizes that restic lets its users choose from. */
export const packSizeLimits = { minBytes: 4 * 1024 * 1024, maxBytes: 128 * 1024 * 1024 } as const;

/** Readers refuse sealed headers above 16 MiB; all entries are counted as long ones. */
const maxBlobsPerPack = Math.floor((maxHeaderBytes - sealOverheadBytes) / compressedEntryBytes);

/** Offsets are 32-bit numbers, and the end of the last blob is one too. */
const maxPackBlobBytes = 2 ** 32 - 1;
