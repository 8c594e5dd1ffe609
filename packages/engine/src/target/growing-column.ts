import { invariant } from "../errors/invariant.ts";

type Column = Uint8Array | Uint32Array | Float64Array | BigInt64Array;

const firstCapacity = 256;

/** A list of numbers in a typed array that grows: a plain array takes 8 bytes for each, and a box for what is no small integer. */
export class GrowingColumn<Values extends Column> {
  #values: Values;
  #count = 0;

  constructor(type: new (length: number) => Values) {
    this.#values = new type(firstCapacity);
  }

  get count(): number {
    return this.#count;
  }

  push(value: Values[number]): void {
    if (this.#count === this.#values.length) this.#grow();
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  at(position: number): Values[number] {
    invariant(position < this.#count, "only what was pushed is asked for");
    return this.#values[position] as Values[number];
  }

  set(position: number, value: Values[number]): void {
    invariant(position < this.#count, "only what was pushed is changed");
    this.#values[position] = value;
  }

  #grow(): void {
    const larger = new (this.#values.constructor as new (length: number) => Values)(this.#values.length * 2);
    if (larger instanceof BigInt64Array) larger.set(this.#values as BigInt64Array);
    else larger.set(this.#values as Exclude<Column, BigInt64Array>);
    this.#values = larger;
  }
}
