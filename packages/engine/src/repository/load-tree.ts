import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type BlobId, shortId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";
import { decodeTree } from "../format/tree.ts";
import { loadBlob } from "./load-blob.ts";
import type { Repository } from "./repository.ts";

/** The entries of a directory. Rejects with `corrupt-data` or `not-found`, as `loadBlob` does. */
export async function loadTree(repository: Repository, id: BlobId, options: Abortable = {}): Promise<Node[]> {
  const bytes = await loadBlob(repository, { type: "tree", id }, options);
  try {
    return decodeTree(bytes);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    throw new EngineError("corrupt-data", `Tree ${shortId(id)} is damaged: ${error.message}`, { cause: error });
  }
}
