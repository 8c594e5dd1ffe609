import type { BlobId, ObjectId } from "../format/ids.ts";
import type { BlobOpener } from "./restore-lane.ts";
import type { TreeEntries } from "./tree-entries.ts";

/** Where a data blob is. All numbers are bytes. */
export interface BlobPlace {
  readonly pack: ObjectId;
  readonly offset: number;
  /** Of the sealed blob. */
  readonly length: number;
  /** 0: not compressed. */
  readonly uncompressedLength: number;
  /** Of the plaintext. */
  readonly plainBytes: number;
}

/** What a restore asks of a repository; `operations/restore/` makes one from an opened repository. */
export interface SnapshotReader {
  /** The entries of a directory. Rejects with `corrupt-data` or `not-found`. */
  tree(id: BlobId): Promise<TreeEntries>;
  /** Undefined if no index names the blob. */
  locate(id: BlobId): BlobPlace | undefined;
  /** A run of a pack's bytes, the caller's to keep; undefined if the pack is gone, too short, or the run absurdly long. */
  packBytes(pack: ObjectId, start: number, end: number): Promise<Uint8Array | undefined>;
  /** Opens blobs in this thread. */
  readonly openBlob: BlobOpener;
  /** A blob by itself, from whichever copy of it is right. Rejects with `corrupt-data` or `not-found`. */
  content(id: BlobId): Promise<Uint8Array>;
  /** The id that these bytes have as a blob. */
  blobId(plain: Uint8Array): Promise<BlobId>;
}
