import { invariant } from "../../errors/invariant.ts";

/** Where one value goes once it is there, or what became of it instead. */
export class WindowPlace<Value> {
  /** What it holds; undefined as long as it is empty. */
  outcome: { readonly value: Value } | { readonly error: unknown } | undefined;
  readonly #onSettled: (place: WindowPlace<Value>) => void;

  constructor(onSettled: (place: WindowPlace<Value>) => void) {
    this.#onSettled = onSettled;
  }

  settle(value: Value): void {
    this.outcome = { value };
    this.#onSettled(this);
  }

  fail(error: unknown): void {
    this.outcome = { error };
    this.#onSettled(this);
  }
}

/** Values that come in any order and leave in the order in which their places were taken. A value costs no promise, only waiting for the first does. */
export class Window<Value> {
  #places: WindowPlace<Value>[] = [];
  /** Taken from the front so far: moving the rest for each would cost more than the work. */
  #taken = 0;
  #firstSettled: PromiseWithResolvers<void> | undefined;

  get size(): number {
    return this.#places.length - this.#taken;
  }

  get isFirstReady(): boolean {
    return this.#places[this.#taken]?.outcome !== undefined;
  }

  /** Takes the next place. */
  reserve(): WindowPlace<Value> {
    const place = new WindowPlace<Value>(this.#onSettled);
    this.#places.push(place);
    return place;
  }

  /** Waits for the first value, and gives all that can leave with it: at least one. Throws what made the first fail. */
  async take(): Promise<Value[]> {
    invariant(this.size > 0, "somebody waits only for what was added");
    while (!this.isFirstReady) await (this.#firstSettled ??= Promise.withResolvers()).promise;
    const values: Value[] = [];
    for (let first = this.#first; first?.outcome; first = this.#first) {
      // A failure comes in its turn, when nothing is before it.
      if ("error" in first.outcome && values.length > 0) break;
      this.#taken += 1;
      if ("error" in first.outcome) throw first.outcome.error;
      values.push(first.outcome.value);
    }
    if (this.#taken > this.#places.length / 2) {
      this.#places = this.#places.slice(this.#taken);
      this.#taken = 0;
    }
    return values;
  }

  get #first(): WindowPlace<Value> | undefined {
    return this.#places[this.#taken];
  }

  readonly #onSettled = (place: WindowPlace<Value>): void => {
    if (place !== this.#first) return;
    this.#firstSettled?.resolve();
    this.#firstSettled = undefined;
  };
}
