import type { PackedBlob } from "../format/blob.ts";

/** Whether two descriptions of a pack list the same blobs, alike in everything, in the same order. */
export function areSamePackedBlobs(a: readonly PackedBlob[], b: readonly PackedBlob[]): boolean {
  return a.length === b.length && a.every((blob, i) => isSamePackedBlob(blob, b[i] ?? blob));
}

function isSamePackedBlob(a: PackedBlob, b: PackedBlob): boolean {
  return (
    a.type === b.type &&
    a.id === b.id &&
    a.offset === b.offset &&
    a.length === b.length &&
    a.uncompressedLength === b.uncompressedLength
  );
}
