import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type BlobId, shortId } from "../format/ids.ts";
import type { Node } from "../format/node.ts";
import type { StoredSnapshot } from "../format/snapshot.ts";
import { loadTree } from "../repository/load-tree.ts";
import type { Repository } from "../repository/repository.ts";

/** An entry of a snapshot. The path begins with `/` and is an escaped string (`format/names.ts`). */
export interface ListedFile {
  readonly path: string;
  readonly node: Node;
}

export interface ListRequest extends Abortable {
  /** Folders or files to list; the whole snapshot if left out or empty. */
  readonly paths?: readonly string[] | undefined;
  /** List everything below the paths, not only their entries. Without paths everything is always listed. */
  readonly recursive?: boolean | undefined;
}

/** The entries of a snapshot, each folder before what is in it, in the order of the trees. The index must be loaded. */
export async function* listFiles(
  repository: Repository,
  snapshot: StoredSnapshot,
  request: ListRequest = {},
): AsyncGenerator<ListedFile, void, undefined> {
  const paths = (request.paths ?? []).map(cleanPath);
  yield* walk("", rootTree(snapshot));

  async function* walk(folder: string, tree: BlobId): AsyncGenerator<ListedFile, void, undefined> {
    for (const node of await loadTree(repository, tree, request)) {
      const path = `${folder}/${node.name}`;
      if (isListed(path)) yield { path, node };
      if (node.subtree && isEntered(path)) yield* walk(path, node.subtree);
    }
  }

  function isListed(path: string): boolean {
    if (paths.length === 0) return true;
    return paths.some((wanted) => path === wanted || isIn(wanted, path));
  }

  function isIn(folder: string, path: string): boolean {
    if (!isBelow(folder, path)) return false;
    return request.recursive === true || !path.slice(folder.length + 1).includes("/");
  }

  function isEntered(path: string): boolean {
    if (paths.length === 0) return true;
    return paths.some(
      (wanted) => path === wanted || isBelow(path, wanted) || (request.recursive === true && isBelow(wanted, path)),
    );
  }
}

/** Walks everything below a tree, each folder before its entries. */
export async function* walkTree(
  repository: Repository,
  tree: BlobId,
  folder: string,
  options: Abortable = {},
): AsyncGenerator<ListedFile, void, undefined> {
  for (const node of await loadTree(repository, tree, options)) {
    const path = `${folder}/${node.name}`;
    yield { path, node };
    if (node.subtree) yield* walkTree(repository, node.subtree, path, options);
  }
}

export function rootTree(snapshot: StoredSnapshot): BlobId {
  if (snapshot.tree) return snapshot.tree;
  throw new EngineError("corrupt-data", `Snapshot ${shortId(snapshot.id)} names no tree`);
}

/** `/a/b` for `a//b/`, and `` for the root. */
function cleanPath(path: string): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.map((name) => `/${name}`).join("");
}

function isBelow(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`);
}
