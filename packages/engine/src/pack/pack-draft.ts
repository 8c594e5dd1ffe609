import type { Primitives } from "../crypto/primitives.ts";
import { type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import type { UnnamedFile } from "../flow/unnamed-file.ts";

/** The bytes of a whole pack: in memory, or in a file that has no name yet. */
export type PackContent = Uint8Array | UnnamedFile;

/** Where a pack grows. */
export interface PackDraft<Content extends PackContent = PackContent> {
  /** Memory for the next `lengthBytes` of the pack, to be written before the next call. Only what `advance` is told of counts. */
  roomFor(lengthBytes: number): Uint8Array;
  advance(lengthBytes: number): void;
  /** The pack, which is the caller's from now on. */
  finish(primitives: Primitives): { readonly id: ObjectId; readonly content: Content };
  /** Instead of `finish`: gives back what it holds. */
  discard(): void;
}

/** A draft in an unnamed file in this folder, by way of `room`, which other drafts may have afterwards. Undefined where there can't be one. */
export type OpenFileDraft = (folder: string, room: Uint8Array) => PackDraft | undefined;

/** Many packs stay small: those of trees, and those of a day with few changes. */
const firstBufferBytes = 64 * 1024;

/** Grows in `buffer`; a larger one takes its place if it gets too small. The content may be a part of a larger buffer. */
export function memoryDraft(buffer: Uint8Array = new Uint8Array(firstBufferBytes)): PackDraft<Uint8Array> {
  let sizeBytes = 0;
  return {
    roomFor(lengthBytes) {
      const end = sizeBytes + lengthBytes;
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.max(end, 2 * buffer.length));
        larger.set(buffer.subarray(0, sizeBytes));
        buffer = larger;
      }
      return buffer.subarray(sizeBytes, end);
    },
    advance: (lengthBytes) => void (sizeBytes += lengthBytes),
    finish({ sha256 }) {
      const content = buffer.subarray(0, sizeBytes);
      return { id: objectIdFromBytes(sha256(content)), content };
    },
    discard: () => undefined,
  };
}
