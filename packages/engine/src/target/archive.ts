import { EngineError } from "../errors/engine-error.ts";
import type { Node } from "../format/node.ts";
import { displayName } from "../format/names.ts";

/**
 * What an archive is made of, in order: an entry, then the bytes of its content if it is a file, in any pieces. A directory comes before what is
 * in it.
 */
export type ArchivePiece = { readonly entry: ArchiveEntry } | { readonly bytes: Uint8Array };

export interface ArchiveEntry {
  /** Relative, `/` between the names; an escaped string (`format/names.ts`). */
  readonly path: string;
  readonly node: Node;
}

/** Counts the bytes of the entry that is being written: what a header has promised can't be taken back. */
export class ContentCounter {
  #entry: ArchiveEntry | undefined;
  #bytes = 0;

  /** Throws `corrupt-data` unless the entry before had exactly the bytes that its node says. */
  begin(entry: ArchiveEntry | undefined): void {
    const expected = this.#entry?.node.type === "file" ? this.#entry.node.size : 0;
    if (this.#entry && this.#bytes !== expected)
      throw new EngineError(
        "corrupt-data",
        `${displayName(this.#entry.path)} should have ${expected} bytes, but its content has ${this.#bytes}`,
      );
    this.#entry = entry;
    this.#bytes = 0;
  }

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
  }
}
