import { invariant } from "../errors/invariant.ts";

/** Rows are kept in segments of this many: growing copies nothing, and the part that is not filled takes no memory until it is. */
const rowsPerSegment = 2 ** 13;

/** A growing table whose rows are equally many 32-bit words, in few objects. */
export class WordRows {
  readonly #rowWords: number;
  readonly #segments: Uint32Array[] = [];
  #count = 0;

  constructor(rowWords: number) {
    this.#rowWords = rowWords;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds `count` rows, which begin at row `first` of `source`. */
  append(source: Uint32Array, first: number, count: number): void {
    const end = first + count;
    for (let from = first; from < end;) {
      const row = this.#count % rowsPerSegment;
      if (row === 0) this.#segments.push(new Uint32Array(rowsPerSegment * this.#rowWords));
      const rows = Math.min(end - from, rowsPerSegment - row);
      const words = source.subarray(from * this.#rowWords, (from + rows) * this.#rowWords);
      this.#segmentOf(this.#count).set(words, row * this.#rowWords);
      this.#count += rows;
      from += rows;
    }
  }

  /** Word `at` of a row. */
  word(row: number, at: number): number {
    return this.#segmentOf(row)[(row % rowsPerSegment) * this.#rowWords + at] ?? 0;
  }

  /** The words of a row, in place. */
  row(row: number): Uint32Array {
    invariant(row < this.#count, "a row is below the count");
    const start = (row % rowsPerSegment) * this.#rowWords;
    return this.#segmentOf(row).subarray(start, start + this.#rowWords);
  }

  /** Whether a row begins with the eight words of an id, which are at `at` in `id`. */
  hasId(row: number, id: Uint32Array, at: number): boolean {
    const segment = this.#segmentOf(row);
    const start = (row % rowsPerSegment) * this.#rowWords;
    return (
      segment[start] === id[at] &&
      segment[start + 1] === id[at + 1] &&
      segment[start + 2] === id[at + 2] &&
      segment[start + 3] === id[at + 3] &&
      segment[start + 4] === id[at + 4] &&
      segment[start + 5] === id[at + 5] &&
      segment[start + 6] === id[at + 6] &&
      segment[start + 7] === id[at + 7]
    );
  }

  #segmentOf(row: number): Uint32Array {
    const segment = this.#segments[Math.floor(row / rowsPerSegment)];
    invariant(segment !== undefined, "every row has its segment");
    return segment;
  }
}
