import { sealBlob, sealBlobAnyhow } from "../../blob/seal-blob.ts";
import type { SealedBlob } from "../../blob/sealed-blob.ts";
import type { Compression } from "../../crypto/primitives.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import type { BlobHandle, BlobLocation } from "../../format/blob.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { BlobWriter } from "../../repository/blob-writer.ts";
import { loadPackBlobs, type LoadedBlob } from "../../repository/load-pack-blobs.ts";
import type { Repository } from "../../repository/repository.ts";

/** While one pack is written the next are on their way; each may take its 16 MiB of memory. */
const packsReadAtOnce = 3;

export interface PackToRepack {
  readonly pack: ObjectId;
  /** Those that go to new packs. */
  readonly blobs: readonly BlobLocation[];
}

export interface RepackOptions extends Abortable {
  readonly compression: Compression;
  /** Data that is not compressed as well; trees are anyhow. */
  readonly compressData: boolean;
  readonly onPackDone: () => void;
}

/**
 * Copies blobs to new packs, sealed as they are, each opened and checked first: the pack that it comes from may be deleted afterwards. Rejects with
 * `corrupt-data` or `not-found` for a blob of which no copy can be read.
 */
export async function repack(
  repository: Repository,
  packs: Iterable<PackToRepack>,
  writer: BlobWriter,
  options: RepackOptions,
): Promise<void> {
  const read = async ({ pack, blobs }: PackToRepack) => {
    const copies: { handle: BlobHandle; sealed: SealedBlob }[] = [];
    for await (const loaded of loadPackBlobs(repository, pack, blobs, options))
      copies.push({ handle: loaded.location, sealed: copyOf(repository, loaded, options) });
    return copies;
  };
  for await (const copies of mapConcurrent(packs, packsReadAtOnce, read)) {
    for (const { handle, sealed } of copies) await writer.saveSealed(handle, sealed);
    options.onPackDone();
  }
}

function copyOf(
  { compute: { primitives }, masterKey, config }: Repository,
  loaded: LoadedBlob,
  { compression, compressData }: RepackOptions,
): SealedBlob {
  if ("error" in loaded)
    throw new EngineError(loaded.error.code, `${loaded.error.message}. Nothing was removed`, {
      cause: loaded.error,
      hint: "Run `check --read-data` to see what is damaged, then `repair packs` with the packs that it names.",
    });
  const { location, plain, sealed } = loaded;
  const { type, uncompressedLength } = location;
  if (config.version === 2 && uncompressedLength === 0 && (type === "tree" || compressData))
    return sealBlobAnyhow(primitives, masterKey, plain, compression === "off" ? "auto" : compression);
  if (sealed !== undefined) return { sealed, uncompressedLength };
  return sealBlob(primitives, masterKey, plain, config.version === 1 ? "off" : compression);
}
