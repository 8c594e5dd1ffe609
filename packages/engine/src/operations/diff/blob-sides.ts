import type { BlobHandle, BlobType } from "../../format/blob.ts";
import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";

/** Where a blob was met: in what differs of the first snapshot, in what differs of the second, in what both have. */
export type Side = "before" | "after" | "common";

const bits: Record<Side, number> = { before: 1, after: 2, common: 4 };

/** Which blobs of two snapshots were met on which side. */
export class BlobSides {
  readonly #sides: Record<BlobType, Map<BlobId, number>> = { data: new Map(), tree: new Map() };

  /** False if it was met on this side before. */
  add({ type, id }: BlobHandle, side: Side): boolean {
    const met = this.#sides[type].get(id) ?? 0;
    this.#sides[type].set(id, met | bits[side]);
    return (met & bits[side]) === 0;
  }

  /** The blobs of a file, or the tree of a folder. */
  addNode({ type, content, subtree }: Node, side: Side): void {
    if (type === "file") for (const id of content ?? []) this.add({ type: "data", id }, side);
    if (type === "dir" && subtree) this.add({ type: "tree", id: subtree }, side);
  }

  /** Those that were met on this side and on no other. */
  *only(side: Side): Generator<BlobHandle, void, undefined> {
    for (const type of ["data", "tree"] as const)
      for (const [id, met] of this.#sides[type]) if (met === bits[side]) yield { type, id };
  }
}
