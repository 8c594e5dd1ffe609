import type { Primitives } from "../crypto/primitives.ts";
import { EngineError } from "../errors/engine-error.ts";
import type { ReadableFile } from "../source/file-reader.ts";

/** A pack's bytes, asked for from the first to the last. */
export interface PackPieces {
  /** The last bytes of the pack; may be asked for at any time. */
  end(lengthBytes: number): Uint8Array;
  /** The bytes from `start` to before `end`, which begin no earlier than the last ones did. They are there until the next call. */
  at(start: number, end: number): Uint8Array;
  /** SHA-256 of all that is there. Comes last. */
  sha256(): Uint8Array;
}

export function piecesOfBytes(bytes: Uint8Array, { sha256 }: Primitives): PackPieces {
  return {
    end: (lengthBytes) => bytes.subarray(bytes.length - lengthBytes),
    at: (start, end) => bytes.subarray(start, end),
    sha256: () => sha256(bytes),
  };
}

/** Read and hashed at once, and so small that it is still in the processor's cache when its blobs are opened. */
const pieceBytes = 512 * 1024;
/** For the largest chunk, sealed, and a piece. Of what is not filled no memory is taken. */
const usualWindowBytes = 9 * 1024 * 1024;

/** Packs that are read from files, one after another, by way of one window. */
export class PackWindow {
  readonly #primitives: Primitives;
  #window = new Uint8Array(usualWindowBytes);

  constructor(primitives: Primitives) {
    this.#primitives = primitives;
  }

  /** The pieces of a pack of this size. They throw `corrupt-data` where the file ends before. */
  pieces(file: ReadableFile, sizeBytes: number): PackPieces {
    const hash = this.#primitives.sha256Stream();
    // What of the pack lies in the window.
    let from = 0;
    let to = 0;

    const readPiece = (atLeastBytes: number): number => {
      const room = this.#window.subarray(to - from, to - from + Math.max(atLeastBytes, pieceBytes));
      const length = file.read(room, to);
      hash.update(room.subarray(0, length));
      to += length;
      return length;
    };

    return {
      end(lengthBytes) {
        const bytes = new Uint8Array(lengthBytes);
        assertRead(file.read(bytes, sizeBytes - lengthBytes), lengthBytes);
        return bytes;
      },
      at: (start, end) => {
        if (end > to) {
          const keptFrom = Math.min(start, to);
          this.#keep(keptFrom - from, to - from, end - keptFrom + pieceBytes);
          from = keptFrom;
          const missingBytes = end - to;
          assertRead(readPiece(missingBytes), missingBytes);
        }
        return this.#window.subarray(start - from, end - from);
      },
      sha256() {
        from = to;
        while (readPiece(pieceBytes) === pieceBytes) from = to;
        return hash.digest();
      },
    };
  }

  /** Moves these bytes of the window to its beginning, and makes it as long as that. */
  #keep(start: number, end: number, lengthBytes: number): void {
    if (lengthBytes <= this.#window.length) {
      this.#window.copyWithin(0, start, end);
      return;
    }
    const larger = new Uint8Array(lengthBytes);
    larger.set(this.#window.subarray(start, end));
    this.#window = larger;
  }
}

function assertRead(readBytes: number, wantedBytes: number): void {
  if (readBytes < wantedBytes) throw new EngineError("corrupt-data", "A pack ends before its size");
}
