import type { EngineError } from "../errors/engine-error.ts";
import type { BlobId, ObjectId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";

/** What a restore asks of a repository; `operations/restore/` makes one from an opened repository. */
export interface SnapshotReader {
  /** The entries of a directory. Rejects with `corrupt-data` or `not-found`. */
  tree(id: BlobId): Promise<Node[]>;
  /** Where to read a data blob, and the length of its plaintext in bytes; undefined if no index names it. */
  locate(id: BlobId): { readonly pack: ObjectId; readonly plainBytes: number } | undefined;
  /** Reads the wanted blobs of one pack, each once, in any order. A blob that is damaged in all its copies comes as an error. */
  packBlobs(pack: ObjectId, ids: readonly BlobId[]): AsyncIterable<LoadedContent>;
  /** The id that these bytes have as a blob. */
  blobId(plain: Uint8Array): Promise<BlobId>;
}

export type LoadedContent =
  | { readonly id: BlobId; readonly plain: Uint8Array }
  | { readonly id: BlobId; readonly error: EngineError };
