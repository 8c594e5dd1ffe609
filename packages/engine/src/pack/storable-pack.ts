import { type FilledIndexRows, IndexRows } from "../format/index-rows.ts";
import type { ObjectId } from "../format/ids.ts";
import type { BuiltPack } from "./pack-builder.ts";

/** A pack on its way to the store, with what the index will say of it: in flat rows, since packs of small files hold tens of thousands of blobs. */
export interface StorablePack {
  readonly id: ObjectId;
  readonly bytes: Uint8Array;
  /** Of this pack alone. */
  readonly rows: FilledIndexRows;
}

export function storablePack({ id, bytes, blobs }: BuiltPack): StorablePack {
  const rows = new IndexRows(1, blobs.length);
  rows.addPack(id, blobs);
  return { id, bytes, rows: { packCount: 1, packs: rows.packs, blobs: rows.blobs } };
}
