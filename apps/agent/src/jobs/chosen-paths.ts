import type { PathFilter } from "@saveos/engine";

/**
 * Chooses paths of a snapshot by their names, whatever characters they have, and all that is below them. It remembers which of them were met, so
 * that a choice that fits nothing is noticed.
 */
export class ChosenPaths implements PathFilter {
  readonly #chosen: ReadonlySet<string>;
  /** What lies above them. */
  readonly #ways = new Set<string>();
  readonly #met = new Set<string>();

  constructor(paths: readonly string[]) {
    this.#chosen = new Set(paths.map(withoutEnd));
    for (const path of this.#chosen) for (const above of foldersAbove(path)) this.#ways.add(above);
    // The root is there in every snapshot, and is not asked about.
    if (this.#chosen.has("")) this.#met.add("");
  }

  includes(path: string, isDirectory: boolean): { readonly selected: boolean; readonly childMayMatch: boolean } {
    if (this.#chosen.has(path)) this.#met.add(path);
    const selected = this.#chosen.has(path) || foldersAbove(path).some((above) => this.#chosen.has(above));
    return { selected, childMayMatch: isDirectory && (selected || this.#ways.has(path)) };
  }

  /** How many of the chosen paths the snapshot did not have. */
  get missing(): number {
    return this.#chosen.size - this.#met.size;
  }
}

function withoutEnd(path: string): string {
  return path.replace(/\/+$/, "");
}

/** From the nearest up to the root, which is empty. */
function foldersAbove(path: string): string[] {
  const above: string[] = [];
  for (let end = path.lastIndexOf("/"); end >= 0; end = path.lastIndexOf("/", end - 1)) {
    above.push(path.slice(0, end));
    if (end === 0) break;
  }
  return above;
}
