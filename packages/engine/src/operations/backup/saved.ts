import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import type { ComparedEntry } from "./compare-with-parent.ts";

/** An entry whose content, if it has any, is saved. A file that could not be read has no node. */
export type SavedEntry =
  | Exclude<ComparedEntry, { kind: "file" }>
  | { readonly kind: "file"; readonly path: string; readonly node: Node | undefined };

/** What the content of one file became. */
export interface SavedContent {
  readonly ids: readonly BlobId[];
  /** Bytes read. */
  readonly size: number;
  readonly dataAdded: number;
  readonly dataAddedPacked: number;
  readonly newBlobs: number;
}

/** A directory whose tree is saved. */
export interface SavedTree {
  readonly id: BlobId;
  readonly isNew: boolean;
  /** Before compression and sealing. */
  readonly bytes: number;
  readonly storedBytes: number;
}
