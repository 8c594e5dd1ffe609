import { areSamePackedBlobs } from "../blob/same-packed-blobs.ts";
import { sealBlobInto, type SealedLengths } from "../blob/seal-blob.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { seal, sealOverheadBytes } from "../crypto/seal.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobHandle, PackedBlob } from "../format/blob.ts";
import { objectIdFromBytes, type ObjectId } from "../format/ids.ts";
import { compressedEntryBytes, encodePackHeader, maxHeaderBytes } from "../format/pack-header.ts";
import { packLengthFieldBytes, readPackHeader } from "./read-pack.ts";

/** A pack ready to be stored. `bytes` may be a part of a larger buffer. */
export interface BuiltPack {
  /** SHA-256 of `bytes`: the pack's name. */
  readonly id: ObjectId;
  readonly bytes: Uint8Array;
  /** What is in it, in order: what the index has to say about it. */
  readonly blobs: PackedBlob[];
}

/**
 * Collects sealed blobs and makes one pack of them (restic design.rst, "Pack Format"). The caller keeps trees and data apart, asks
 * `isFull` after each blob, and starts a new builder after `finish`. The pack grows in one buffer: nothing is held twice.
 */
export class PackBuilder {
  readonly #blobs: PackedBlob[] = [];
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
    return this.#blobs.length;
  }

  /** Whether it is time to finish: the blobs have the target size, so a pack exceeds it by one blob at most, or the header is full. */
  isFull(targetSizeBytes: number): boolean {
    return this.#sizeBytes >= targetSizeBytes || this.#blobs.length >= maxBlobsPerPack;
  }

  /** Appends a blob that is sealed already; the bytes are copied. */
  add(handle: BlobHandle, { sealed, uncompressedLength }: SealedBlob): void {
    this.#roomFor(sealed.length).set(sealed);
    this.#append(handle, { sealedBytes: sealed.length, uncompressedLength });
  }

  /** Compresses and seals a blob right into the pack. Gives the bytes that it takes there. */
  seal(handle: BlobHandle, plain: Uint8Array, { primitives, masterKey, compression }: PackSealing): number {
    const room = this.#roomFor(plain.length + sealOverheadBytes);
    const lengths = sealBlobInto(primitives, masterKey, plain, compression, room);
    this.#append(handle, lengths);
    return lengths.sealedBytes;
  }

  /** Makes the pack: the sealed blobs, the sealed header, the header's length. A pack has at least one blob. */
  finish(primitives: Primitives, key: MasterKey): BuiltPack {
    invariant(this.#blobs.length > 0, "a pack has at least one blob");
    // The header goes last: its length is known only once the pack is full.
    const header = seal(primitives, key, encodePackHeader(this.#blobs));
    const end = this.#roomFor(header.length + packLengthFieldBytes);
    end.set(header);
    new DataView(end.buffer, end.byteOffset).setUint32(header.length, header.length, true);
    this.#assertReadsBack(primitives, key, end);
    const bytes = this.#buffer.subarray(0, this.#sizeBytes + end.length);
    return { id: objectIdFromBytes(primitives.sha256(bytes)), bytes, blobs: this.#blobs };
  }

  #append({ type, id }: BlobHandle, { sealedBytes, uncompressedLength }: SealedLengths): void {
    invariant(this.#blobs.length < maxBlobsPerPack, "a pack that is full gets no more blobs");
    invariant(this.#sizeBytes + sealedBytes <= maxPackBlobBytes, "offsets in a pack fit 32 bits");
    this.#blobs.push({ type, id, offset: this.#sizeBytes, length: sealedBytes, uncompressedLength });
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
  #assertReadsBack(primitives: Primitives, key: MasterKey, packEnd: Uint8Array): void {
    const read = readPackHeader(primitives, key, packEnd, this.#sizeBytes + packEnd.length);
    invariant(areSamePackedBlobs(read, this.#blobs), "a pack's header reads back as the blobs that went in");
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

/** Packs are closed at this size of blobs unless the user wants another. */
export const defaultPackSizeBytes = 16 * 1024 * 1024;
/** The sizes that restic lets its users choose from. */
export const packSizeLimits = { minBytes: 4 * 1024 * 1024, maxBytes: 128 * 1024 * 1024 } as const;

/** Readers refuse sealed headers above 16 MiB; all entries are counted as long ones. */
const maxBlobsPerPack = Math.floor((maxHeaderBytes - sealOverheadBytes) / compressedEntryBytes);

/** Offsets are 32-bit numbers, and the end of the last blob is one too. */
const maxPackBlobBytes = 2 ** 32 - 1;
