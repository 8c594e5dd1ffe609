import { open, sealInto, sealOverheadBytes } from "../crypto/seal.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import type { BlobId } from "../format/ids.ts";
import { scratch } from "./scratch.ts";
import { assertNamed, decompressed, sealBlobInto, type SealedLengths } from "./seal-blob.ts";
import type { SealedBlob } from "./sealed-blob.ts";

export interface Resealing {
  readonly primitives: Primitives;
  readonly from: MasterKey;
  readonly to: MasterKey;
  /** `as-is`: what is compressed stays as it was compressed, which saves the most work of all; what is not is compressed at the level `auto`. */
  readonly compression: Compression | "as-is";
}

/** How much room `resealBlobInto` may need. */
export function resealRoomBytes({ sealed, uncompressedLength }: SealedBlob): number {
  return Math.max(sealed.length, uncompressedLength + sealOverheadBytes);
}

/**
 * Seals a blob for another repository, at the beginning of `out`. Its MAC, length and hash are checked on the way; throws `corrupt-data` if one of them
 * is wrong. `plainRoom` is memory for its plain bytes.
 */
export function resealBlobInto(
  { primitives, from, to, compression }: Resealing,
  { sealed, uncompressedLength }: SealedBlob,
  id: BlobId,
  { out, plainRoom }: { readonly out: Uint8Array; readonly plainRoom: Uint8Array },
): SealedLengths {
  const content = open(primitives, from, sealed, scratch(sealed.length));
  const isCompressed = uncompressedLength !== 0;
  const plain = isCompressed ? decompressed(primitives, content, uncompressedLength, plainRoom) : content;
  assertNamed(primitives, plain, id);
  if (compression !== "as-is") return sealBlobInto(primitives, to, plain, compression, out);
  if (!isCompressed) return sealBlobInto(primitives, to, plain, "auto", out);
  return { sealedBytes: sealInto(primitives, to, content, out), uncompressedLength };
}
