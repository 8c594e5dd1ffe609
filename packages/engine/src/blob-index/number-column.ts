import { invariant } from "../errors/invariant.ts";

const numbersPerSegment = 2 ** 13;

/** A growing list of 32-bit numbers, 4 bytes each. Growing copies nothing. */
export class NumberColumn {
  #count = 0;
  readonly #segments: Uint32Array[] = [];

  get count(): number {
    return this.#count;
  }

  append(value: number): void {
    invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, "a number of the index fits 32 bits");
    const place = this.#count % numbersPerSegment;
    if (place === 0) this.#segments.push(new Uint32Array(numbersPerSegment));
    const segment = this.#segments.at(-1);
    invariant(segment !== undefined, "there is a segment to append to");
    segment[place] = value;
    this.#count += 1;
  }

  at(index: number): number {
    const value = this.#segments[Math.floor(index / numbersPerSegment)]?.[index % numbersPerSegment];
    invariant(value !== undefined && index < this.#count, "an index is below the count");
    return value;
  }
}
