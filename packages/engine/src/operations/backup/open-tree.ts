import { invariant } from "../../errors/invariant.ts";
import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import { localZone } from "../../format/time.ts";
import { TreeBuilder } from "../../format/tree.ts";
import type { SourceMetadata } from "../../source/file-source.ts";
import type { ParentDirectory } from "./parent-directory.ts";

/**
 * A directory's tree while its entries come, in the order of their names. What the parent's directory has kept is merged in. Nothing is
 * written before there is something else: a directory in which all is as it was costs nothing.
 */
export class OpenTree {
  /** The same directory in the parent snapshot, with what was kept of it. */
  readonly parent: ParentDirectory | undefined;
  #builder: TreeBuilder | undefined;
  /** The parent's entries up to here are in the builder, as far as they were kept. */
  #parentRow = 0;

  constructor(parent: ParentDirectory | undefined) {
    this.parent = parent;
  }

  get isEmpty(): boolean {
    return this.#builder === undefined && !this.parent?.keptCount;
  }

  add(node: Node): void {
    this.#copyKept(node.name).add(node);
  }

  /** A directory in it that is complete. Its metadata is undefined if it is the parent's. */
  addDirectory(name: string, metadata: SourceMetadata | undefined, subtree: BlobId): void {
    if (metadata === undefined && this.parent?.subtree(name) === subtree) {
      this.parent.keepDirectory(name);
      return;
    }
    const described = metadata ?? this.parent?.node(name);
    invariant(described !== undefined, "a directory has its metadata from the source or from the parent");
    this.add({ ...described, content: undefined, subtree });
  }

  /** The bytes of the tree, or the id of the parent's if it is that. */
  finish(): Uint8Array | BlobId {
    const { parent } = this;
    const isParents = this.#builder === undefined && parent?.isWhollyKept;
    const tree = isParents ? parent.id : this.#copyKept().finish();
    // A directory may have half a gigabyte: the parent's must not be in memory while this one is compressed.
    parent?.release();
    return tree;
  }

  #copyKept(before?: string): TreeBuilder {
    this.#builder ??= new TreeBuilder(localZone, this.parent?.treeBytes);
    if (this.parent) this.#parentRow = this.parent.copyKept(this.#builder, this.#parentRow, before);
    return this.#builder;
  }
}
