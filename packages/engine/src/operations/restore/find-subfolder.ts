import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { type BlobId, shortId } from "../../format/ids.ts";
import { displayName } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import type { StoredSnapshot } from "../../format/snapshot.ts";
import { loadTree } from "../../repository/load-tree.ts";
import type { Repository } from "../../repository/repository.ts";
import { rootTree } from "../list-files.ts";

/** The tree of a folder in a snapshot, as restic's `<snapshot>:<folder>`; the snapshot's own for `/` or nothing. */
export async function findSubfolder(
  repository: Repository,
  snapshot: StoredSnapshot,
  folder: string | undefined,
  options: Abortable,
): Promise<BlobId> {
  const node = await findNode(repository, snapshot, rootTree(snapshot), folder ?? "", options);
  return node === "root" ? rootTree(snapshot) : requireTree(node, folder ?? "");
}

/**
 * What is at a path below a tree; "root" for the tree itself. Empty names and `.` in the path are passed over; slashes may lead.
 * Rejects with `not-found`, or with `invalid-input` for a path through a file.
 */
export async function findNode(
  repository: Repository,
  snapshot: StoredSnapshot,
  tree: BlobId,
  path: string,
  options: Abortable,
): Promise<Node | "root"> {
  let found: Node | "root" = "root";
  for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
    const nodes: Node[] = await loadTree(repository, found === "root" ? tree : requireTree(found, path), options);
    const next = nodes.find((node) => node.name === name);
    if (!next) throw new EngineError("not-found", `Snapshot ${shortId(snapshot.id)} has no ${displayName(path)}`);
    found = next;
  }
  return found;
}

function requireTree({ type, subtree, name }: Node, path: string): BlobId {
  if (type !== "dir")
    throw new EngineError("invalid-input", `${displayName(name)} in ${displayName(path)} is no folder but a ${type}`);
  if (!subtree)
    throw new EngineError("corrupt-data", `The folder ${displayName(name)} in ${displayName(path)} has no tree`);
  return subtree;
}
