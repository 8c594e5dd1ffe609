import { invariant } from "../../errors/invariant.ts";

interface Waiting<Value> {
  /** Once it is there. */
  settled: { readonly value: Value } | undefined;
  readonly promise: Promise<Value> | undefined;
}

/** Values that come in any order and leave in the order in which they were added; most are there at once, and cost no promise. */
export class Window<Value> {
  #waiting: Waiting<Value>[] = [];
  /** Taken from the front so far: moving the rest for each would cost more than the work. */
  #taken = 0;

  get size(): number {
    return this.#waiting.length - this.#taken;
  }

  get isFirstReady(): boolean {
    return this.#waiting[this.#taken]?.settled !== undefined;
  }

  add(value: Value | Promise<Value>): void {
    if (!(value instanceof Promise)) {
      this.#waiting.push({ settled: { value }, promise: undefined });
      return;
    }
    const waiting: Waiting<Value> = { settled: undefined, promise: value };
    this.#waiting.push(waiting);
    // A failure is reported in its turn, not as an unhandled rejection.
    value.then(
      (result) => (waiting.settled = { value: result }),
      () => undefined,
    );
  }

  /** The first value, or what made it fail. */
  async next(): Promise<Value> {
    const first = this.#waiting[this.#taken];
    invariant(first !== undefined, "somebody waits only for what was added");
    this.#taken += 1;
    if (this.#taken > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#taken);
      this.#taken = 0;
    }
    if (first.settled) return first.settled.value;
    invariant(first.promise !== undefined, "what is not there yet is promised");
    return await first.promise;
  }
}
