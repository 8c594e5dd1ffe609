import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import type { BlobType, PackedBlob } from "./blob.ts";
import { blobIdFromBytes } from "./ids.ts";

/**
 * A pack is `sealed blobs ‖ sealed header ‖ uint32-LE length of the sealed header` (restic design.rst, "Pack Format"). The header's
 * plaintext is one entry a blob, in the order of the blobs:
 *
 *     type (1 byte) ‖ uint32-LE sealed length ‖ [uint32-LE uncompressed length, if compressed] ‖ blob id (32 bytes)
 */
export interface PackHeaderEntry extends Omit<PackedBlob, "id"> {
  /** 32 bytes, which may lie in other memory. */
  readonly id: Uint8Array;
}

/** Puts the entry of one blob at `at`, where there is room for it, and gives where the next one goes. */
export function putHeaderEntry(
  header: Uint8Array,
  at: number,
  { type, id, length, uncompressedLength }: Omit<PackHeaderEntry, "offset">,
): number {
  invariant(length >= sealOverheadBytes, "a sealed blob is longer than its seal");
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const compressed = uncompressedLength !== 0;
  view.setUint8(at, (compressed ? compressedFlag : 0) | (type === "tree" ? treeFlag : 0));
  view.setUint32(at + 1, length, true);
  if (compressed) view.setUint32(at + 5, uncompressedLength, true);
  const end = at + (compressed ? compressedEntryBytes : rawEntryBytes);
  header.set(id, end - idBytes);
  return end;
}

/** The header of a pack with exactly these blobs; undefined if there can be no such pack, as an index that is wrong may say. */
export function possiblePackHeader(blobs: readonly PackHeaderEntry[]): Uint8Array | undefined {
  const header = new Uint8Array(blobs.length * compressedEntryBytes);
  let at = 0;
  let offset = 0;
  for (const blob of blobs) {
    if (blob.offset !== offset || blob.length < sealOverheadBytes) return undefined;
    at = putHeaderEntry(header, at, blob);
    offset += blob.length;
  }
  return blobs.length === 0 || offset > maxOffset ? undefined : header.subarray(0, at);
}

/**
 * The entries of an opened header; offsets are the running sum of the lengths. Throws `corrupt-data` for a type that repositories of
 * this version do not have, an entry cut short, an impossible length, or no entry at all.
 */
export function* packHeaderEntries(plain: Uint8Array, version: 1 | 2): Generator<PackHeaderEntry, void, undefined> {
  if (plain.length === 0) throw new EngineError("corrupt-data", "Pack header lists no blobs");
  if (plain.length > maxHeaderBytes) {
    throw new EngineError("corrupt-data", `Pack header of ${plain.length} bytes is larger than any restic writes`);
  }
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  let at = 0;
  let offset = 0;
  while (at < plain.length) {
    const typeByte = view.getUint8(at);
    if (typeByte > (version === 1 ? treeFlag : treeFlag | compressedFlag)) {
      throw new EngineError("corrupt-data", `Pack header has an entry of unknown type ${typeByte} at byte ${at}`);
    }
    const compressed = (typeByte & compressedFlag) !== 0;
    const next = at + (compressed ? compressedEntryBytes : rawEntryBytes);
    if (next > plain.length) throw new EngineError("corrupt-data", `Pack header ends inside the entry at byte ${at}`);
    const length = view.getUint32(at + 1, true);
    const uncompressedLength = compressed ? view.getUint32(at + 5, true) : 0;
    if (length < sealOverheadBytes || (compressed && uncompressedLength === 0) || offset + length > maxOffset) {
      throw new EngineError("corrupt-data", `Pack header has an impossible blob length at byte ${at}`);
    }
    const type: BlobType = (typeByte & treeFlag) !== 0 ? "tree" : "data";
    yield { type, id: plain.subarray(next - idBytes, next), offset, length, uncompressedLength };
    offset += length;
    at = next;
  }
}

/** The blobs that an opened header lists. Throws as `packHeaderEntries` does. */
export function decodePackHeader(plain: Uint8Array, version: 1 | 2): PackedBlob[] {
  const entries = [...packHeaderEntries(plain, version)];
  return entries.map((entry) => ({ ...entry, id: blobIdFromBytes(entry.id) }));
}

/** Bytes of a header entry for a blob stored as it is. */
export const rawEntryBytes = 37;

/** Bytes of a header entry for a compressed blob. */
export const compressedEntryBytes = 41;

/** What a pack has beside its blobs and header entries: the header's seal (IV 16, MAC 16) and the length field (4). */
export const packOverheadBytes = 36;

/** restic refuses longer sealed headers, so nobody may write them; it also bounds what a hostile pack makes us read. */
export const maxHeaderBytes = 16 * 1024 * 1024;

/** One raw blob's entry, the seal and the length field: no pack is smaller. */
export const minPackSizeBytes = rawEntryBytes + packOverheadBytes;

const idBytes = 32;
const sealOverheadBytes = 32;
const treeFlag = 1;
const compressedFlag = 2;
const maxOffset = 0xffffffff;
