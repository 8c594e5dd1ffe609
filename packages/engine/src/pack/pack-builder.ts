import { areSamePackedBlobs } from "../blob/same-packed-blobs.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { seal, sealOverheadBytes } from "../crypto/seal.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobHandle, PackedBlob } from "../format/blob.ts";
import { objectIdFromBytes, type ObjectId } from "../format/ids.ts";
import { compressedEntryBytes, encodePackHeader, maxHeaderBytes } from "../format/pack-header.ts";
import { packLengthFieldBytes, readPackHeader } from "./read-pack.ts";

/** A pack ready to be stored. */
export interface BuiltPack {
  /** SHA-256 of `bytes`: the pack's name. */
  readonly id: ObjectId;
  readonly bytes: Uint8Array;
  /** What is in it, in order: what the index has to say about it. */
  readonly blobs: PackedBlob[];
}

/**
 * Collects sealed blobs and makes one pack of them (restic design.rst, "Pack Format"). The caller keeps trees and data apart, asks
 * `isFull` after each blob, and starts a new builder after `finish`. Memory: the sealed blobs, and at `finish` once more their size.
 */
export class PackBuilder {
  readonly #blobs: PackedBlob[] = [];
  readonly #sealed: Uint8Array[] = [];
  #sizeBytes = 0;

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

  /** Appends a blob. The builder keeps `sealed`; nobody may change its bytes afterwards. */
  add(handle: BlobHandle, { sealed, uncompressedLength }: SealedBlob): void {
    invariant(this.#blobs.length < maxBlobsPerPack, "a pack that is full gets no more blobs");
    invariant(this.#sizeBytes + sealed.length <= maxPackBlobBytes, "offsets in a pack fit 32 bits");
    this.#blobs.push({
      type: handle.type,
      id: handle.id,
      offset: this.#sizeBytes,
      length: sealed.length,
      uncompressedLength,
    });
    this.#sealed.push(sealed);
    this.#sizeBytes += sealed.length;
  }

  /** Makes the pack: the sealed blobs, the sealed header, the header's length. A pack has at least one blob. */
  finish(primitives: Primitives, key: MasterKey): BuiltPack {
    invariant(this.#blobs.length > 0, "a pack has at least one blob");
    // The header goes last: its length is known only once the pack is full.
    const header = seal(primitives, key, encodePackHeader(this.#blobs));
    const bytes = new Uint8Array(this.#sizeBytes + header.length + packLengthFieldBytes);
    let at = 0;
    for (const sealed of this.#sealed) {
      bytes.set(sealed, at);
      at += sealed.length;
    }
    bytes.set(header, at);
    new DataView(bytes.buffer).setUint32(at + header.length, header.length, true);
    this.#assertReadsBack(primitives, key, bytes.subarray(at));
    return { id: objectIdFromBytes(primitives.sha256(bytes)), bytes, blobs: this.#blobs };
  }

  /** What can't be read back must never be uploaded: the index could not be rebuilt from it. */
  #assertReadsBack(primitives: Primitives, key: MasterKey, packEnd: Uint8Array): void {
    const read = readPackHeader(primitives, key, packEnd, this.#sizeBytes + packEnd.length);
    invariant(areSamePackedBlobs(read, this.#blobs), "a pack's header reads back as the blobs that went in");
  }
}

/** Packs are closed at this size of blobs unless the user wants another. */
export const defaultPackSizeBytes = 16 * 1024 * 1024;
/** The sizes that restic lets its users choose from. */
export const packSizeLimits = { minBytes: 4 * 1024 * 1024, maxBytes: 128 * 1024 * 1024 } as const;

/** Readers refuse sealed headers above 16 MiB; all entries are counted as long ones. */
const maxBlobsPerPack = Math.floor((maxHeaderBytes - sealOverheadBytes) / compressedEntryBytes);

/** Offsets are 32-bit numbers, and the end of the last blob is one too. */
const maxPackBlobBytes = 2 ** 32 - 1;
