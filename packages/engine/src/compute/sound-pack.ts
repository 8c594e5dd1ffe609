import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openNameless } from "../blob/seal-blob.ts";
import { equalBytes } from "../crypto/equal-bytes.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { isEngineError } from "../errors/engine-error.ts";
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

/** Large blobs are opened until they fill this much, then hashed together. It is kept; a larger blob gets its own memory. */
const roomBytes = 8 * 1024 * 1024;
/** Smaller blobs are hashed at once: they are still in the processor's cache, which gains more. */
const largeBlobBytes = 256 * 1024;
/** What claims to be larger is not opened here: whoever reports damage looks at it with care. */
const openedMaxBytes = 128 * 1024 * 1024;

/** What a blob opened to, and what its hash has to be. */
interface OpenedBlob {
  readonly plain: Uint8Array;
  readonly id: Uint8Array;
}

/** Looks for damage in packs, one after another in the same memory. It only tells that there is some, not what: most packs have none. */
export class PackChecker {
  readonly #primitives: Primitives;
  readonly #masterKey: MasterKey;
  readonly #version: 1 | 2;
  readonly #room = new Uint8Array(roomBytes);

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
    let opened: OpenedBlob[] = [];
    let openedBytes = 0;
    for (const { id, offset, length, uncompressedLength } of packHeaderEntries(header, this.#version)) {
      end = offset + length;
      const plainBytes = plainBytesOf({ length, uncompressedLength });
      if (end > blobs.length || plainBytes > openedMaxBytes) return false;
      if (openedBytes + plainBytes > roomBytes) {
        if (!this.#haveTheirNames(opened)) return false;
        opened = [];
        openedBytes = 0;
      }
      const room = plainBytes > roomBytes ? undefined : this.#room.subarray(openedBytes);
      const sealed = blobs.subarray(offset, end);
      const plain = openNameless(this.#primitives, this.#masterKey, { sealed, uncompressedLength }, room);
      if (plain.length < largeBlobBytes) {
        if (!equalBytes(this.#primitives.sha256(plain), id)) return false;
      } else {
        opened.push({ id, plain });
        openedBytes += plain.length;
      }
    }
    return end === blobs.length && this.#haveTheirNames(opened);
  }

  #haveTheirNames(opened: readonly OpenedBlob[]): boolean {
    const hashes = this.#primitives.sha256Many(opened.map(({ plain }) => plain));
    return opened.every(({ id }, number) => equalBytes(hashes[number] ?? noHash, id));
  }
}

const noHash = new Uint8Array(0);
