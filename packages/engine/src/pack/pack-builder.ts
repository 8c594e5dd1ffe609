import { sealBlobInto, type SealedLengths } from "../blob/seal-blob.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { equalBytes } from "../crypto/equal-bytes.ts";
import { seal, sealOverheadBytes } from "../crypto/seal.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { compressedEntryBytes, maxHeaderBytes, putHeaderEntry } from "../format/pack-header.ts";
import type { PackContent, PackDraft } from "./pack-draft.ts";
import { openPackHeader, packLengthFieldBytes } from "./read-pack.ts";

/** A pack ready to be stored. */
export interface BuiltPack<Content extends PackContent = PackContent> {
  /** SHA-256 of the content: the pack's name. */
  readonly id: ObjectId;
  readonly content: Content;
  /** The plaintext of its header: what is in it, in order. */
  readonly header: Uint8Array;
}

/**
 * Collects sealed blobs and makes one pack of them (restic design.rst, "Pack Format"). The caller keeps trees and data apart, asks
 * `isFull` after each blob, and starts a new builder after `finish`. The pack grows in its draft: nothing is held twice.
 */
export class PackBuilder<Content extends PackContent = PackContent> {
  /** Grows with each blob: objects and strings for all of them would live until the pack is full. */
  #header = new Uint8Array(firstHeaderBytes);
  #headerBytes = 0;
  #blobCount = 0;
  readonly #draft: PackDraft<Content>;
  #sizeBytes = 0;

  constructor(draft: PackDraft<Content>) {
    this.#draft = draft;
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
    this.#draft.roomFor(sealed.length).set(sealed);
    this.#append(type, Uint8Array.fromHex(id), { sealedBytes: sealed.length, uncompressedLength });
  }

  /** Compresses and seals a blob, whose id has these bytes, right into the pack. Gives the bytes that it takes there. */
  seal(type: BlobType, id: Uint8Array, plain: Uint8Array, { primitives, masterKey, compression }: PackSealing): number {
    return this.sealBy(type, id, plain.length + sealOverheadBytes, (room) =>
      sealBlobInto(primitives, masterKey, plain, compression, room),
    );
  }

  /** Adds a blob that `sealInto` puts at the beginning of the `roomBytes` that it is given. If it throws, nothing is added. */
  sealBy(type: BlobType, id: Uint8Array, roomBytes: number, sealInto: (room: Uint8Array) => SealedLengths): number {
    const lengths = sealInto(this.#draft.roomFor(roomBytes));
    this.#append(type, id, lengths);
    return lengths.sealedBytes;
  }

  /** Makes the pack: the sealed blobs, the sealed header, the header's length. A pack has at least one blob. */
  finish(primitives: Primitives, key: MasterKey): BuiltPack<Content> {
    invariant(this.#blobCount > 0, "a pack has at least one blob");
    const header = this.#header.subarray(0, this.#headerBytes);
    // The header goes last: its length is known only once the pack is full.
    const sealed = seal(primitives, key, header);
    const end = this.#draft.roomFor(sealed.length + packLengthFieldBytes);
    end.set(sealed);
    new DataView(end.buffer, end.byteOffset).setUint32(sealed.length, sealed.length, true);
    this.#assertReadsBack(primitives, key, end, header);
    this.#draft.advance(end.length);
    return { ...this.#draft.finish(primitives), header };
  }

  /** Instead of `finish`: what was added is gone. */
  discard(): void {
    this.#draft.discard();
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
    this.#draft.advance(sealedBytes);
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
