import { sealOverheadBytes } from "../crypto/seal.ts";
import type { PackedBlob } from "../format/blob.ts";

/** How many bytes a blob gives when it is opened, by what its index says. */
export function plainBytesOf({
  uncompressedLength,
  length,
}: Pick<PackedBlob, "uncompressedLength" | "length">): number {
  return uncompressedLength === 0 ? length - sealOverheadBytes : uncompressedLength;
}
