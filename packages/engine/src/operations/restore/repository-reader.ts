import { plainBytesOf } from "../../blob/plain-bytes.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobLocation } from "../../format/blob.ts";
import type { BlobId, ObjectId } from "../../format/ids.ts";
import { loadPackBlobs } from "../../repository/load-pack-blobs.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { LoadedContent, SnapshotReader } from "../../target/snapshot-reader.ts";

/** What a restore reads, from an opened repository whose index is loaded. */
export function repositoryReader(repository: Repository, options: Abortable): SnapshotReader {
  return {
    tree: async (id) => await loadTree(repository, id, options),
    locate: (id) => {
      const [location] = repository.index.find({ type: "data", id });
      return location && { pack: location.pack, plainBytes: plainBytesOf(location) };
    },
    packBlobs: (pack, ids) => packBlobs(repository, pack, ids, options),
    blobId: async (plain) => await repository.compute.blobId(plain),
  };
}

async function* packBlobs(
  repository: Repository,
  pack: ObjectId,
  ids: readonly BlobId[],
  options: Abortable,
): AsyncGenerator<LoadedContent, void, undefined> {
  const locations = ids.map((id) => inPack(repository, pack, id)).filter((location) => location !== undefined);
  for await (const { location, ...loaded } of loadPackBlobs(repository, pack, locations, options))
    yield { id: location.id, ...loaded };
}

function inPack(repository: Repository, pack: ObjectId, id: BlobId): BlobLocation | undefined {
  return repository.index.find({ type: "data", id }).find((location) => location.pack === pack);
}
