/** Long enough to be steady, short enough to follow a change. */
const windowMs = 10_000;

/** Measures a speed over the last seconds. */
export class Speed {
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** Notes that `bytes` were done in all at the time `atMs`. */
  note(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) <= atMs - windowMs) this.#samples.shift();
  }

  get bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs));
  }
}
