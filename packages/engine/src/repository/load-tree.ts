import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type BlobId, shortId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";
import { decodeTree } from "../format/tree.ts";
import type { Repository } from "./repository.ts";
import { TreeReader } from "./tree-reader.ts";

/** The entries of a directory. Rejects with `corrupt-data` or `not-found`, as `loadBlob` does. */
export async function loadTree(repository: Repository, id: BlobId, options: Abortable = {}): Promise<Node[]> {
  return decodeLoadedTree(await treeReaderOf(repository).read(id, options), id);
}

/** The entries of a tree that was read. Throws `corrupt-data` that names it. */
export function decodeLoadedTree(bytes: Uint8Array, id: BlobId): Node[] {
  try {
    return decodeTree(bytes);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    throw new EngineError("corrupt-data", `Tree ${shortId(id)} is damaged: ${error.message}`, { cause: error });
  }
}

/** The one reader that all walks of an opened repository share. */
export function treeReaderOf(repository: Repository): TreeReader {
  let reader = readers.get(repository);
  if (!reader) readers.set(repository, (reader = new TreeReader(repository)));
  return reader;
}

const readers = new WeakMap<Repository, TreeReader>();
