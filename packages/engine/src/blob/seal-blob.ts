import { ciphertextOffset, open, seal, sealInto, sealOverheadBytes } from "../crypto/seal.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { blobIdFromBytes, shortId, type BlobId } from "../format/ids.ts";
import { scratch } from "./scratch.ts";
import type { SealedBlob } from "./sealed-blob.ts";

/** Lengths of blobs are 32-bit numbers in packs and indexes. */
const maxSealedBytes = 2 ** 32 - 1;

/** A blob's name: SHA-256 of its bytes before compression. */
export function blobIdOf(primitives: Primitives, plain: Uint8Array): BlobId {
  return blobIdFromBytes(primitives.sha256(plain));
}

/** How long a sealed blob is, and how long it was if it was compressed: 0 if not. */
export interface SealedLengths {
  readonly sealedBytes: number;
  readonly uncompressedLength: number;
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
  const room = scratch(plain.length + sealOverheadBytes);
  const { sealedBytes, uncompressedLength } = sealBlobInto(primitives, key, plain, compression, room);
  return { sealed: room.slice(0, sealedBytes), uncompressedLength };
}

/**
 * Does what `sealBlob` does, without memory of its own: the sealed blob is put at the beginning of `out`, which has `sealOverheadBytes`
 * more than `plain` and does not overlap it. What lies behind it in that room is garbage.
 */
export function sealBlobInto(
  primitives: Primitives,
  key: MasterKey,
  plain: Uint8Array,
  compression: Compression,
  out: Uint8Array,
): SealedLengths {
  invariant(plain.length <= maxSealedBytes - sealOverheadBytes, "a blob's length fits 32 bits");
  invariant(out.length >= plain.length + sealOverheadBytes, "there is room for the blob as it is");
  // Where the ciphertext will be, and one byte shorter than the blob: what does not fit is not worth having. This also keeps empty blobs as they
  // are: their uncompressed length, 0, would say "not compressed".
  const room = out.subarray(ciphertextOffset, ciphertextOffset + Math.max(plain.length - 1, 0));
  const compressed = compression === "off" ? undefined : primitives.zstdCompress?.(plain, compression, room);
  if (compressed === undefined) return { sealedBytes: sealInto(primitives, key, plain, out), uncompressedLength: 0 };
  return { sealedBytes: sealInto(primitives, key, compressed, out), uncompressedLength: plain.length };
}

/** `sealBlob`, but compressed even if that makes it longer: for what is to be compressed once and for all. */
export function sealBlobAnyhow(
  primitives: Primitives,
  key: MasterKey,
  plain: Uint8Array,
  compression: Exclude<Compression, "off">,
): SealedBlob {
  const compressed = plain.length === 0 ? undefined : primitives.zstdCompress?.(plain, compression);
  if (compressed === undefined) return { sealed: seal(primitives, key, plain), uncompressedLength: 0 };
  return { sealed: seal(primitives, key, compressed), uncompressedLength: plain.length };
}

/**
 * Gives exactly the bytes that `id` names. Throws `corrupt-data` if the MAC, the length or the hash is not right. They are in `room`, if it is given and
 * the platform writes into given memory; it is as long as they are or longer, and does not overlap `blob`.
 */
export function openBlob(
  primitives: Primitives,
  key: MasterKey,
  blob: SealedBlob,
  id: BlobId,
  room?: Uint8Array,
): Uint8Array {
  const plain = openNameless(primitives, key, blob, room);
  assertNamed(primitives, plain, id);
  return plain;
}

/** Throws `corrupt-data` unless these are the bytes that `id` names. */
export function assertNamed(primitives: Primitives, plain: Uint8Array, id: BlobId): void {
  const actualId = blobIdOf(primitives, plain);
  if (actualId !== id)
    throw new EngineError("corrupt-data", `The content of blob ${shortId(id)} has the hash ${shortId(actualId)}`);
}

/** `openBlob` for who compares the hash. */
export function openNameless(
  primitives: Primitives,
  key: MasterKey,
  { sealed, uncompressedLength }: SealedBlob,
  room?: Uint8Array,
): Uint8Array {
  if (uncompressedLength === 0) return open(primitives, key, sealed, room);
  return decompressed(primitives, open(primitives, key, sealed, scratch(sealed.length)), uncompressedLength, room);
}

/** What was compressed, in `room` if that can be. Throws `corrupt-data` if it has not this length. */
export function decompressed(
  primitives: Primitives,
  compressed: Uint8Array,
  uncompressedLength: number,
  room?: Uint8Array,
): Uint8Array {
  const plain = primitives.zstdDecompress(compressed, uncompressedLength, room);
  if (plain.length !== uncompressedLength)
    throw new EngineError(
      "corrupt-data",
      `A blob decompresses to ${plain.length} bytes instead of ${uncompressedLength}`,
    );
  return plain;
}
