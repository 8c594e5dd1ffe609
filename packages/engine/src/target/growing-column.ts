import { invariant } from "../errors/invariant.ts";

type Column =
  | Uint8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>;

interface ColumnType<Values> {
  new (length: number): Values;
  new (buffer: ArrayBuffer): Values;
}

const firstCapacity = 256;

/** A list of numbers in a typed array that grows: a plain array takes 8 bytes for each, and a box for what is no small integer. */
export class GrowingColumn<Values extends Column> {
  readonly #type: ColumnType<Values>;
  #values: Values;
  #count = 0;

  constructor(type: ColumnType<Values>) {
    this.#type = type;
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

  /** All of them, in place. */
  values(): Values {
    return this.#values.subarray(0, this.#count) as Values;
  }

  /** The memory is moved, not copied: the garbage collector would keep the old one for a while, and it is as large as all before together. */
  #grow(): void {
    const { buffer } = this.#values;
    this.#values = new this.#type(buffer.transfer(buffer.byteLength * 2));
  }
}
