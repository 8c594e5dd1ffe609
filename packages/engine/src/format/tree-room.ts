import { free } from "../flow/free.ts";
import { EntryTable } from "./entry-table.ts";

/**
 * Memory for one tree blob and its rows, to be used again for the next one: a walk over ten thousand folders would otherwise make fifty thousand
 * arrays, and collecting them takes as long as reading the trees.
 */
export class TreeRoom {
  readonly entries = new EntryTable();
  #places = new Uint32Array(0);
  #marks = new Uint8Array(0);
  #plain = new Uint8Array(0);

  /** Room for a blob, as long as `lengthBytes` or longer. What was in it is lost. */
  plain(lengthBytes: number): Uint8Array {
    this.#plain = enough(this.#plain, lengthBytes);
    return this.#plain;
  }

  /** Room for so many numbers; those that are there stay. */
  places(count: number): Uint32Array {
    if (count > this.#places.length) {
      const larger = new Uint32Array(roundedUp(count));
      larger.set(this.#places);
      free(this.#places);
      this.#places = larger;
    }
    return this.#places;
  }

  /** So many zeros or more, a byte each. */
  marks(count: number): Uint8Array {
    this.#marks = enough(this.#marks, count);
    this.#marks.fill(0, 0, count);
    return this.#marks;
  }

  /** Whether it is worth keeping: nearly all folders have fewer entries. */
  get isSmall(): boolean {
    return this.#plain.length <= keptBytesMax && this.entries.count <= keptRowsMax;
  }

  /** Gives the memory back at once. The room is not to be used again. */
  free(): void {
    this.entries.free();
    for (const array of [this.#places, this.#marks, this.#plain]) free(array);
  }
}

/** Rooms of trees that were left, for the next ones. */
export class TreeRooms {
  readonly #free: TreeRoom[] = [];

  take(): TreeRoom {
    return this.#free.pop() ?? new TreeRoom();
  }

  /** Nobody may look at what is in the room any more. */
  giveBack(room: TreeRoom): void {
    if (room.isSmall) this.#free.push(room);
    else room.free();
  }
}

/** Some thousand entries. */
const keptBytesMax = 512 * 1024;
const keptRowsMax = 2048;

function enough(array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= array.length) return array;
  free(array);
  return new Uint8Array(roundedUp(length));
}

/** Each folder may be a little larger than all before: growing in large steps, a room is soon large enough. Untouched memory costs nothing. */
function roundedUp(length: number): number {
  return length > keptBytesMax ? length : 2 ** Math.ceil(Math.log2(Math.max(length, smallest)));
}

const smallest = 4096;
