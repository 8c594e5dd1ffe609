import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openBlob } from "../blob/seal-blob.ts";
import { areSamePackedBlobs } from "../blob/same-packed-blobs.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { isEngineError } from "../errors/engine-error.ts";
import { free } from "../flow/free.ts";
import type { PackedBlob } from "../format/blob.ts";
import type { ObjectId } from "../format/ids.ts";
import { readPackHeader } from "../pack/read-pack.ts";

export interface PackToCheck {
  readonly id: ObjectId;
  /** All of it. */
  readonly bytes: Uint8Array;
  /** What the index says is in it, by offset. */
  readonly blobs: readonly PackedBlob[];
}

/** The largest chunk that any program cuts. Memory for it is kept; what is larger gets its own. */
const usualBlobBytes = 8 * 1024 * 1024;
/** What claims to be larger is not opened here: whoever reports damage looks at it with care. */
const openedMaxBytes = 128 * 1024 * 1024;

/** Looks for damage in packs, one after another in the same memory. It only tells that there is some, not what: most packs have none. */
export class PackChecker {
  readonly #primitives: Primitives;
  readonly #masterKey: MasterKey;
  readonly #version: 1 | 2;
  #room = new Uint8Array(0);

  constructor(primitives: Primitives, masterKey: MasterKey, version: 1 | 2) {
    this.#primitives = primitives;
    this.#masterKey = masterKey;
    this.#version = version;
  }

  /** Whether the pack's name, its header and each of its blobs are right. */
  isSound({ id, bytes, blobs }: PackToCheck): boolean {
    if (this.#primitives.sha256(bytes).toHex() !== id) return false;
    try {
      const header = readPackHeader(this.#primitives, this.#masterKey, bytes, bytes.length, this.#version);
      return areSamePackedBlobs(header, blobs) && blobs.every((blob) => this.#opens(blob, bytes));
    } catch (error) {
      if (!isEngineError(error, "corrupt-data")) throw error;
      return false;
    }
  }

  #opens({ id, offset, length, uncompressedLength }: PackedBlob, bytes: Uint8Array): boolean {
    const plainBytes = plainBytesOf({ length, uncompressedLength });
    if (plainBytes > openedMaxBytes) return false;
    if (plainBytes > this.#room.length && plainBytes <= usualBlobBytes) {
      free(this.#room);
      this.#room = new Uint8Array(Math.min(2 * plainBytes, usualBlobBytes));
    }
    const room = plainBytes <= this.#room.length ? this.#room : undefined;
    openBlob(
      this.#primitives,
      this.#masterKey,
      { sealed: bytes.subarray(offset, offset + length), uncompressedLength },
      id,
      room,
    );
    return true;
  }
}
