import type { EntryTable } from "../format/entry-table.ts";
import type { Node } from "../format/node.ts";

/**
 * What is known of a directory from an earlier backup. A scan hands it every entry of the listing, and whatever it takes is done with: nothing more is
 * asked of the source, and there is no event of its own for it.
 */
export interface KnownDirectory<Self> {
  /** Entries can be recognised by what `FileSource.entries` tells. */
  readonly takesEntries: boolean;
  /** Takes an entry that is still the same. A directory is never taken: what is in it may have changed. */
  take(entries: EntryTable, row: number): boolean;
  /** Whether `take` found a directory of this name to be the same, but for what is in it: the known node has all its metadata. */
  isSameDirectory(name: string): boolean;
  /** What is known by this name. */
  node(name: string): Node | undefined;
  /** What is known of the directory of this name in it. */
  below(name: string): Promise<Self | undefined>;
}
