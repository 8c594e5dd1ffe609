import type { WordRows } from "./word-rows.ts";

/** Numbers in slots are one higher than rows, so that a fresh array of zeros is an empty table. */
const empty = 0;
const smallestSlotCount = 1024;
/** Fuller tables have long runs of taken slots. */
const fullAt = 0.75;

/**
 * Finds the rows that begin with an id, in constant time: 5 to 11 bytes a row. It is a hash table with open addressing: a row that finds its
 * slot taken goes to the next free one. Rows of the same id are found in the order in which they came.
 *
 * Ids are hashes, so their first word is the hash function.
 */
export class IdSlots {
  readonly #rows: WordRows;
  /** A power of two of them, a quarter or more of them empty. */
  #slots = new Uint32Array(smallestSlotCount);
  #used = 0;

  constructor(rows: WordRows) {
    this.#rows = rows;
  }

  /** Makes room for so many rows more. Growing visits every row again, so it should be told of all that are to come. */
  reserve(count: number): void {
    const needed = (this.#used + count) / fullAt;
    if (needed <= this.#slots.length) return;
    const before = this.#slots;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(needed)));
    // Every row anew, those of the same id in their old order: reading begins behind an empty slot, where no run of taken ones goes on.
    const start = before.indexOf(empty) + 1;
    for (let n = 0; n < before.length; n++) {
      const entry = before[(start + n) & (before.length - 1)] ?? empty;
      if (entry !== empty) this.#put(entry);
    }
  }

  /** Makes `count` rows from `first` on findable. */
  insert(first: number, count: number): void {
    this.reserve(count);
    for (let row = first; row < first + count; row++) this.#put(row + 1);
    this.#used += count;
  }

  /** The first row of the id whose words are at `at` in `id`, or −1. */
  find(id: Uint32Array, at = 0): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (id[at] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] ?? empty;
      if (entry === empty) return -1;
      if (this.#rows.hasId(entry - 1, id, at)) return entry - 1;
    }
  }

  /** All rows of an id, the one that was inserted first before the others. */
  findAll(id: Uint32Array, at = 0): number[] {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const found: number[] = [];
    for (let slot = (id[at] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] ?? empty;
      if (entry === empty) return found;
      if (this.#rows.hasId(entry - 1, id, at)) found.push(entry - 1);
    }
  }

  #put(entry: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#rows.word(entry - 1, 0) & mask;
    while (slots[slot] !== empty) slot = (slot + 1) & mask;
    slots[slot] = entry;
  }
}
