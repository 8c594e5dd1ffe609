import { open, seal, sealOverheadBytes } from "../crypto/seal.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { blobIdFromBytes, shortId, type BlobId } from "../format/ids.ts";
import type { SealedBlob } from "./sealed-blob.ts";

/** Lengths of blobs are 32-bit numbers in packs and indexes. */
const maxSealedBytes = 2 ** 32 - 1;

/** A blob's name: SHA-256 of its bytes before compression. */
export function blobIdOf(primitives: Primitives, plain: Uint8Array): BlobId {
  return blobIdFromBytes(primitives.sha256(plain));
}

/**
 * Compresses and seals a blob. It is stored as it is when compression is off, when the platform can't compress, or when
 * compressing would not make it smaller. Trees are compressed whatever the user chose: the caller passes a level for them.
 */
export function sealBlob(
  primitives: Primitives,
  key: MasterKey,
  plain: Uint8Array,
  compression: Compression,
): SealedBlob {
  invariant(plain.length <= maxSealedBytes - sealOverheadBytes, "a blob's length fits 32 bits");
  const compressed = compression === "off" ? undefined : primitives.zstdCompress?.(plain, compression);
  // This also keeps empty blobs as they are: their uncompressed length, 0, would say "not compressed".
  if (compressed === undefined || compressed.length >= plain.length)
    return { sealed: seal(primitives, key, plain), uncompressedLength: 0 };
  return { sealed: seal(primitives, key, compressed), uncompressedLength: plain.length };
}

/** Gives exactly the bytes that `id` names. Throws `corrupt-data` if the MAC, the length or the hash is not right. */
export function openBlob(primitives: Primitives, key: MasterKey, blob: SealedBlob, id: BlobId): Uint8Array {
  const stored = open(primitives, key, blob.sealed);
  const isCompressed = blob.uncompressedLength !== 0;
  const plain = isCompressed ? primitives.zstdDecompress(stored, blob.uncompressedLength) : stored;
  if (isCompressed && plain.length !== blob.uncompressedLength)
    throw new EngineError(
      "corrupt-data",
      `Blob ${shortId(id)} decompresses to ${plain.length} bytes instead of ${blob.uncompressedLength}`,
    );
  const actualId = blobIdOf(primitives, plain);
  if (actualId !== id)
    throw new EngineError("corrupt-data", `The content of blob ${shortId(id)} has the hash ${shortId(actualId)}`);
  return plain;
}
