import type { SealedBlob } from "../blob/sealed-blob.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Compression, Primitives } from "../crypto/primitives.ts";
import type { BlobId } from "../format/ids.ts";
import type { Lane } from "./lane.ts";

export type { SealedBlob } from "../blob/sealed-blob.ts";

/** Where the heavy steps run: in this thread (`inline.ts`) or in workers. */
export interface Compute {
  /** What reads and packs files by itself. None where files can't be reached but through a `FileSource`. */
  readonly lanes: readonly Lane[];
  /** The same algorithms in this thread, for what is small. */
  readonly primitives: Primitives;
  blobId(plain: Uint8Array): Promise<BlobId>;
  sealBlob(key: MasterKey, plain: Uint8Array, compression: Compression): Promise<SealedBlob>;
  /** Checks MAC, length and hash: resolves with exactly the bytes that `id` names, or rejects with `corrupt-data`. */
  openBlob(key: MasterKey, blob: SealedBlob, id: BlobId): Promise<Uint8Array>;
}
