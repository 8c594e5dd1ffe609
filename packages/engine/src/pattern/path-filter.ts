import { matches, mayMatchBelow } from "./pattern-list.ts";
import type { PatternList } from "./pattern-list.ts";

/** Chooses among the paths of a snapshot, which begin with `/`. */
export interface PathFilter {
  /**
   * `selected`: take this entry. `childMayMatch`: go into this directory, because something in it may be selected; false for what is no
   * directory.
   */
  includes(path: string, isDirectory: boolean): { readonly selected: boolean; readonly childMayMatch: boolean };
}

/** Takes everything. */
export const everything: PathFilter = {
  includes: (_path, isDirectory) => ({ selected: true, childMayMatch: isDirectory }),
};

/** Takes what any of the lists matches, and all below it (restic's `--include`, `--iinclude`). */
export function includeFilter(...lists: readonly PatternList[]): PathFilter {
  return {
    includes: (path, isDirectory) => ({
      selected: lists.some((list) => matches(list, path)),
      childMayMatch: isDirectory && lists.some((list) => mayMatchBelow(list, path)),
    }),
  };
}

/** Takes all but what any of the lists matches, and all below it (restic's `--exclude`, `--iexclude`). */
export function excludeFilter(...lists: readonly PatternList[]): PathFilter {
  return {
    includes: (path, isDirectory) => {
      const selected = !lists.some((list) => matches(list, path));
      return { selected, childMayMatch: selected && isDirectory };
    },
  };
}
