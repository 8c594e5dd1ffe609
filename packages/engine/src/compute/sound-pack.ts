import { plainBytesOf } from "../blob/plain-bytes.ts";
import { openNameless } from "../blob/seal-blob.ts";
import { equalBytes } from "../crypto/equal-bytes.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { isEngineError } from "../errors/engine-error.ts";
import type { ObjectId } from "../format/ids.ts";
import { packHeaderEntries } from "../format/pack-header.ts";
import { headerEndBytes, openPackHeader, packHeaderStart } from "../pack/read-pack.ts";
import type { FileReader } from "../source/file-reader.ts";
import { type PackPieces, PackWindow, piecesOfBytes } from "./pack-pieces.ts";

export interface PackToCheck {
  readonly id: ObjectId;
  readonly sizeBytes: number;
  /** All of its bytes, or the path of a file that holds them. */
  readonly content: Uint8Array<ArrayBuffer> | string;
  /** The plaintext that its header must have, by what the index says is in it. */
  readonly header: Uint8Array;
}

/** Large blobs are opened until they fill this much, then hashed together. It is kept; a larger blob gets its own memory. */
const roomBytes = 8 * 1024 * 1024;
/** Smaller blobs are hashed at once: they are still in the processor's cache, which gains more. */
const largeBlobBytes = 256 * 1024;
/** What claims to be larger is not opened here: whoever reports damage looks at it with care. */
const openedMaxBytes = 128 * 1024 * 1024;

export interface PackCheckerDeps {
  readonly primitives: Primitives;
  readonly reader: FileReader;
}

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
  readonly #reader: FileReader;
  readonly #room = new Uint8Array(roomBytes);
  readonly #window: PackWindow;

  constructor({ primitives, reader }: PackCheckerDeps, masterKey: MasterKey, version: 1 | 2) {
    this.#primitives = primitives;
    this.#reader = reader;
    this.#masterKey = masterKey;
    this.#version = version;
    this.#window = new PackWindow(primitives);
  }

  /** Whether the pack's name, its header and each of its blobs are right. Throws for a file that can't be read. */
  isSound(pack: PackToCheck): boolean {
    const { content, sizeBytes } = pack;
    if (content instanceof Uint8Array)
      return content.length === sizeBytes && this.#isSound(pack, piecesOfBytes(content, this.#primitives));
    using file = this.#reader.open(content);
    return this.#isSound(pack, this.#window.pieces(file, sizeBytes));
  }

  #isSound({ id, sizeBytes, header }: PackToCheck, pieces: PackPieces): boolean {
    try {
      const end = pieces.end(Math.min(sizeBytes, headerEndBytes(header)));
      const blobsEnd = packHeaderStart(end, sizeBytes);
      if (blobsEnd !== sizeBytes - end.length) return false;
      const found = openPackHeader(this.#primitives, this.#masterKey, end, sizeBytes);
      return (
        equalBytes(found.header, header) && this.#areSound(pieces, blobsEnd, header) && pieces.sha256().toHex() === id
      );
    } catch (error) {
      if (!isEngineError(error, "corrupt-data")) throw error;
      return false;
    }
  }

  /** Whether the pack has up to there the blobs of this header, and nothing else. */
  #areSound(pieces: PackPieces, blobsEnd: number, header: Uint8Array): boolean {
    let end = 0;
    let opened: OpenedBlob[] = [];
    let openedBytes = 0;
    for (const { id, offset, length, uncompressedLength } of packHeaderEntries(header, this.#version)) {
      end = offset + length;
      const plainBytes = plainBytesOf({ length, uncompressedLength });
      if (end > blobsEnd || Math.max(length, plainBytes) > openedMaxBytes) return false;
      if (openedBytes + plainBytes > roomBytes) {
        if (!this.#haveTheirNames(opened)) return false;
        opened = [];
        openedBytes = 0;
      }
      const room = plainBytes > roomBytes ? undefined : this.#room.subarray(openedBytes);
      const sealed = pieces.at(offset, end);
      const plain = openNameless(this.#primitives, this.#masterKey, { sealed, uncompressedLength }, room);
      if (plain.length < largeBlobBytes) {
        if (!equalBytes(this.#primitives.sha256(plain), id)) return false;
      } else {
        opened.push({ id, plain });
        openedBytes += plain.length;
      }
    }
    return end === blobsEnd && this.#haveTheirNames(opened);
  }

  #haveTheirNames(opened: readonly OpenedBlob[]): boolean {
    const hashes = this.#primitives.sha256Many(opened.map(({ plain }) => plain));
    return opened.every(({ id }, number) => equalBytes(hashes[number] ?? noHash, id));
  }
}

const noHash = new Uint8Array(0);
