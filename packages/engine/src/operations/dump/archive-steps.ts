import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { BlobId } from "../../format/ids.ts";
import { displayName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import type { ArchiveEntry } from "../../target/archive.ts";
import { plainNameProblem } from "../../target/plain-name.ts";

/** An entry of the archive, or a blob whose bytes belong to the entry before. */
export type ArchiveStep = { readonly entry: ArchiveEntry } | { readonly blob: BlobId };

/** Everything below a tree, directories before what is in them. `folder` is the tree's own path, without slashes at its ends. */
export async function* archiveSteps(
  repository: Repository,
  tree: BlobId,
  folder: string,
  options: Abortable,
): AsyncGenerator<ArchiveStep, void, undefined> {
  for (const node of await loadTree(repository, tree, options)) {
    // Whoever unpacks the archive must not be led out of its folder.
    const problem = plainNameProblem(node.name);
    if (problem !== undefined) throw new EngineError("corrupt-data", `A name in ${displayName(folder)} ${problem}`);
    const path = folder === "" ? node.name : `${folder}/${node.name}`;
    yield { entry: { path, node } };
    if (node.type === "file") yield* contentSteps(node);
    if (node.subtree) yield* archiveSteps(repository, node.subtree, path, options);
  }
}

export function* contentSteps({ content, name }: Node): Generator<{ blob: BlobId }, void, undefined> {
  if (!content) throw new EngineError("corrupt-data", `${displayName(name)} has no list of contents`);
  for (const blob of content) yield { blob };
}
