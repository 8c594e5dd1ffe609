import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openNameless } from "../blob/seal-blob.ts";
import type { SealedBlob } from "../blob/sealed-blob.ts";
import { equalBytes } from "../crypto/equal-bytes.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { isEngineError } from "../errors/engine-error.ts";
import { free } from "../flow/free.ts";
import type { ObjectId } from "../format/ids.ts";
import { packHeaderEntries } from "../format/pack-header.ts";
import { openPackHeader } from "../pack/read-pack.ts";

export interface PackToCheck {
  readonly id: ObjectId;
  /** All of it. */
  readonly bytes: Uint8Array;
  /** The plaintext that its header must have, by what the index says is in it. */
  readonly header: Uint8Array;
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
  isSound({ id, bytes, header }: PackToCheck): boolean {
    if (this.#primitives.sha256(bytes).toHex() !== id) return false;
    try {
      const found = openPackHeader(this.#primitives, this.#masterKey, bytes, bytes.length);
      return equalBytes(found.header, header) && this.#areSound(bytes.subarray(0, found.blobsEnd), header);
    } catch (error) {
      if (!isEngineError(error, "corrupt-data")) throw error;
      return false;
    }
  }

  /** Whether these are the blobs of this header, and nothing else. */
  #areSound(blobs: Uint8Array, header: Uint8Array): boolean {
    let end = 0;
    for (const entry of packHeaderEntries(header, this.#version)) {
      end = entry.offset + entry.length;
      const sealed = blobs.subarray(entry.offset, end);
      const isWhole = sealed.length === entry.length;
      if (!isWhole || !this.#opens({ sealed, uncompressedLength: entry.uncompressedLength }, entry.id)) return false;
    }
    return end === blobs.length;
  }

  #opens(blob: SealedBlob, id: Uint8Array): boolean {
    const plainBytes = plainBytesOf({ length: blob.sealed.length, uncompressedLength: blob.uncompressedLength });
    if (plainBytes > openedMaxBytes) return false;
    if (plainBytes > this.#room.length && plainBytes <= usualBlobBytes) {
      free(this.#room);
      this.#room = new Uint8Array(Math.min(2 * plainBytes, usualBlobBytes));
    }
    const room = plainBytes <= this.#room.length ? this.#room : undefined;
    return equalBytes(this.#primitives.sha256(openNameless(this.#primitives, this.#masterKey, blob, room)), id);
  }
}
