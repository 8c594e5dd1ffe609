import type { MasterKey } from "../crypto/master-key.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { open, sealOverheadBytes } from "../crypto/seal.ts";
import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import type { PackedBlob } from "../format/blob.ts";
import { compressedEntryBytes, decodePackHeader, maxHeaderBytes } from "../format/pack-header.ts";

/** A pack's last bytes: the length of its sealed header, little-endian. */
export const packLengthFieldBytes = 4;

/** How much of a pack's end is worth fetching at first: with 15 blobs or fewer, no second request is needed. */
export const packEndBytes = 15 * compressedEntryBytes + sealOverheadBytes + packLengthFieldBytes;

/** How much of a pack's end is its header, of which this is the plaintext, and what belongs to it. */
export function headerEndBytes(header: Uint8Array): number {
  return header.length + sealOverheadBytes + packLengthFieldBytes;
}

/**
 * Where a pack's blobs end and its header begins. `packEnd` is the pack's end, at least its last 4 bytes; `packSizeBytes` is the
 * size of the whole. Throws `corrupt-data` for a length that can't be.
 */
export function packHeaderStart(packEnd: Uint8Array, packSizeBytes: number): number {
  invariant(packEnd.length <= packSizeBytes, "a pack's end is not longer than the pack");
  if (packEnd.length < packLengthFieldBytes)
    throw new EngineError("corrupt-data", `A pack of ${packSizeBytes} bytes has no header length`);
  const view = new DataView(packEnd.buffer, packEnd.byteOffset, packEnd.byteLength);
  const headerBytes = view.getUint32(packEnd.length - packLengthFieldBytes, true);
  const headerEnd = packSizeBytes - packLengthFieldBytes;
  if (headerBytes <= sealOverheadBytes || headerBytes > headerEnd || headerBytes > maxHeaderBytes)
    throw new EngineError(
      "corrupt-data",
      `Pack header length ${headerBytes} does not fit a pack of ${packSizeBytes} bytes`,
    );
  return headerEnd - headerBytes;
}

/**
 * The plaintext of a pack's header (`format/pack-header.ts`), and where the blobs end. `packEnd` holds the pack from `packHeaderStart`, or from
 * earlier, to its end. Throws `corrupt-data` if it is damaged.
 */
export function openPackHeader(
  primitives: Primitives,
  key: MasterKey,
  packEnd: Uint8Array,
  packSizeBytes: number,
): { readonly header: Uint8Array; readonly blobsEnd: number } {
  const headerStart = packHeaderStart(packEnd, packSizeBytes);
  const packEndStart = packSizeBytes - packEnd.length;
  invariant(packEndStart <= headerStart, "the header is within the pack's end");
  const sealedHeader = packEnd.subarray(headerStart - packEndStart, packEnd.length - packLengthFieldBytes);
  return { header: open(primitives, key, sealedHeader), blobsEnd: headerStart };
}

/**
 * The blobs of a pack as its own header lists them, in order. `packEnd` is that of `openPackHeader`. Throws `corrupt-data` if the header is damaged,
 * or does not account for every byte before it.
 */
export function readPackHeader(
  primitives: Primitives,
  key: MasterKey,
  packEnd: Uint8Array,
  packSizeBytes: number,
  version: 1 | 2 = 2,
): PackedBlob[] {
  const { header, blobsEnd } = openPackHeader(primitives, key, packEnd, packSizeBytes);
  const blobs = decodePackHeader(header, version);
  const last = blobs.at(-1);
  const listedEnd = last === undefined ? 0 : last.offset + last.length;
  if (listedEnd !== blobsEnd)
    throw new EngineError(
      "corrupt-data",
      `A pack's header lists ${listedEnd} bytes of blobs, but there are ${blobsEnd}`,
    );
  return blobs;
}
