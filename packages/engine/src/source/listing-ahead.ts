import type { EntryTable } from "../format/entry-table.ts";
import type { DirectoryWalkStart } from "./directory-walk.ts";

/**
 * Lists directories, and looks at what is in them, before the walk comes to them and beside all that the walk does meanwhile. Leaving the scope ends
 * it.
 */
export interface ListingAhead extends AsyncDisposable {
  /** The walk is about to come to these directories, and to all below them. */
  expect(start: DirectoryWalkStart): void;
  /**
   * Does what `FileSource.entries` does without following links. False if it did nothing: the source is to be asked itself, which also tells what is
   * wrong with a directory that can't be listed.
   */
  entries(path: string, into: EntryTable): Promise<boolean>;
}
