import type { BlobId, ObjectId } from "./ids.ts";

/** Data and trees have separate namespaces: both may exist with the same id. */
export type BlobType = "data" | "tree";

export interface BlobHandle {
  readonly type: BlobType;
  readonly id: BlobId;
}

/** A blob inside a pack. All numbers are bytes and fit 32 bits. */
export interface PackedBlob extends BlobHandle {
  readonly offset: number;
  /** Of the sealed blob. */
  readonly length: number;
  /** 0 means stored as it is, not compressed. */
  readonly uncompressedLength: number;
}

/** Where a blob is. */
export interface BlobLocation extends PackedBlob {
  readonly pack: ObjectId;
}
