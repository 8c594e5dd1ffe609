import { idWords } from "../format/index-rows.ts";
import { IdSlots } from "./id-slots.ts";
import { WordRows } from "./word-rows.ts";

/** Ids in flat arrays, some 40 bytes each: in a `Set`, the text of each would be hashed and kept. */
export class IdSet {
  readonly #rows = new WordRows(idWords);
  readonly #slots = new IdSlots(this.#rows);

  get size(): number {
    return this.#rows.count;
  }

  /** Whether it holds the id whose words are at `at` in `ids`. */
  has(ids: Uint32Array, at: number): boolean {
    return this.#slots.find(ids, at) !== -1;
  }

  /** Takes it in; false if it is there. `at` is a multiple of `idWords`. */
  add(ids: Uint32Array, at: number): boolean {
    if (this.has(ids, at)) return false;
    this.#rows.append(ids, at / idWords, 1);
    this.#slots.insert(this.#rows.count - 1, 1);
    return true;
  }

  every(test: (id: Uint32Array) => boolean): boolean {
    for (let row = 0; row < this.#rows.count; row++) if (!test(this.#rows.row(row))) return false;
    return true;
  }
}
