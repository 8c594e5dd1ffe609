import { IdSet } from "../blob-index/id-set.ts";

/** With so many, it is looked whether older ones can be forgotten. */
const generationSize = 64 * 1024;

/** The blobs of one type that a run stores. Those that the index has come to know are forgotten, so that there are never many more than are on their way. */
export class ClaimedIds {
  readonly #isIndexed: (ids: Uint32Array, at: number) => boolean;
  #older = new IdSet();
  #newer = new IdSet();

  constructor(isIndexed: (ids: Uint32Array, at: number) => boolean) {
    this.#isIndexed = isIndexed;
  }

  get size(): number {
    return this.#older.size + this.#newer.size;
  }

  /** Takes in the id whose words are at `at` in `ids`; false if it is there. */
  add(ids: Uint32Array, at: number): boolean {
    if (this.#older.has(ids, at) || !this.#newer.add(ids, at)) return false;
    if (this.#newer.size % generationSize === 0) this.#forgetIndexed();
    return true;
  }

  #forgetIndexed(): void {
    // Whatever of them waits for its upload keeps the others: the next look may find it done.
    if (!this.#older.every((id) => this.#isIndexed(id, 0))) return;
    this.#older = this.#newer;
    this.#newer = new IdSet();
  }
}
