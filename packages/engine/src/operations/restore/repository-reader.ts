import { plainBytesOf } from "../../blob/plain-bytes.ts";
import { blobIdOf } from "../../blob/seal-blob.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { objectName } from "../../format/object-name.ts";
import { readTreeRows } from "../../format/read-tree-rows.ts";
import { TreeRooms } from "../../format/tree-room.ts";
import { isOversizedBlob, loadBlob } from "../../repository/load-blob.ts";
import { decodeLoadedTree, treeReaderOf } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { SnapshotReader } from "../../target/snapshot-reader.ts";
import { NodeEntries, RowEntries } from "../../target/tree-entries.ts";
import { blobOpener } from "./blob-opener.ts";

/** What a restore reads, from an opened repository whose index is loaded. */
export function repositoryReader(repository: Repository, options: Abortable): SnapshotReader {
  const rooms = new TreeRooms();
  return {
    tree: async (id) => {
      const room = rooms.take();
      const bytes = await treeReaderOf(repository).read(id, { ...options, room });
      const rows = readTreeRows(bytes, room);
      if (rows) return new RowEntries(rows, () => rooms.giveBack(room));
      const nodes = decodeLoadedTree(bytes, id);
      rooms.giveBack(room);
      return new NodeEntries(nodes);
    },
    locate: (id) => {
      const [location] = repository.index.find({ type: "data", id });
      return location && { ...location, plainBytes: plainBytesOf(location) };
    },
    packBytes: async (pack, start, end) => {
      if (isOversizedBlob("data", end - start)) return undefined;
      try {
        return await repository.store.get(objectName("data", pack), { ...options, range: { start, end } });
      } catch (error) {
        if (isEngineError(error, "corrupt-data", "not-found")) return undefined;
        throw error;
      }
    },
    openBlob: blobOpener(repository.compute.primitives, repository.masterKey),
    content: async (id) => await loadBlob(repository, { type: "data", id }, options),
    blobId: async (plain) => blobIdOf(repository.compute.primitives, plain),
  };
}
