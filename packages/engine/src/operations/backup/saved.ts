import type { BlobId } from "../../format/ids.ts";
import type { Node } from "../../format/node.ts";
import type { ComparedEntry } from "./compare-with-parent.ts";

/** A scanned entry that is no directory. */
export type FileEntry = Extract<ComparedEntry, { kind: "file" }>;

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
  /** How the file changed while it was read, for people to know; undefined if it did not. */
  readonly change: string | undefined;
}

/** A directory whose tree is saved. */
export interface SavedTree {
  readonly id: BlobId;
  readonly isNew: boolean;
  /** Before compression and sealing. */
  readonly bytes: number;
  readonly storedBytes: number;
}
