import { type FilledIndexRows, IndexRows } from "../format/index-rows.ts";
import type { ObjectId } from "../format/ids.ts";
import { packHeaderEntries, rawEntryBytes } from "../format/pack-header.ts";
import type { BuiltPack } from "./pack-builder.ts";
import type { PackContent } from "./pack-draft.ts";

/** A pack on its way to the store, with what the index will say of it: in flat rows, since packs of small files hold tens of thousands of blobs. */
export interface StorablePack {
  readonly id: ObjectId;
  readonly content: PackContent;
  /** Of this pack alone. */
  readonly rows: FilledIndexRows;
}

export function storablePack({ id, content, header }: BuiltPack): StorablePack {
  const rows = new IndexRows(1, Math.ceil(header.length / rawEntryBytes));
  rows.packIdPlace().setFromHex(id);
  for (const { type, id: blobId, offset, length, uncompressedLength } of packHeaderEntries(header, 2)) {
    rows.makeRoomForBlob();
    rows.blobBytes.set(blobId, rows.blobIdAt);
    rows.endBlob(type, offset, length, uncompressedLength);
  }
  rows.endPack();
  return { id, content, rows: { packCount: 1, packs: rows.packs, blobs: rows.blobs } };
}
