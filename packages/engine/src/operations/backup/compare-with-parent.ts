import { type EngineError, isEngineError } from "../../errors/engine-error.ts";
import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { ScanEvent } from "../../source/scan.ts";
import type { Abortable } from "../../flow/abortable.ts";

/** A scanned entry with the node that the parent snapshot has in its place, of whatever type. */
export type ComparedEntry = ScanEvent & { readonly previous: Node | undefined };

/**
 * Walks the parent snapshot beside the scan. Only the parent's trees along the current path are in memory. A tree of the parent that can't
 * be read is reported, and is as one that is not there: its files are read again, which heals the next snapshot.
 */
export async function* compareWithParent(
  repository: Repository,
  entries: AsyncIterable<ScanEvent>,
  parentTree: BlobId | undefined,
  options: Abortable & { readonly onDamagedTree: (id: BlobId, error: EngineError) => void },
): AsyncGenerator<ComparedEntry, void, undefined> {
  const nodesByName = async (tree: BlobId | undefined) =>
    new Map((await nodesOf(repository, tree, options)).map((node) => [node.name, node]));
  const open: Map<string, Node>[] = [await nodesByName(parentTree)];
  const directories: (Node | undefined)[] = [];
  for await (const entry of entries) {
    switch (entry.kind) {
      case "enter": {
        const previous = open.at(-1)?.get(entry.name);
        open.push(await nodesByName(previous?.subtree));
        directories.push(previous);
        yield { ...entry, previous };
        break;
      }
      case "file":
        yield { ...entry, previous: open.at(-1)?.get(entry.name) };
        break;
      case "leave":
        open.pop();
        yield { ...entry, previous: directories.pop() };
        break;
    }
  }
}

async function nodesOf(
  repository: Repository,
  tree: BlobId | undefined,
  { onDamagedTree, signal }: Parameters<typeof compareWithParent>[3],
): Promise<Node[]> {
  if (!tree) return [];
  try {
    return await loadTree(repository, tree, { signal });
  } catch (error) {
    if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
    onDamagedTree(tree, error);
    return [];
  }
}
