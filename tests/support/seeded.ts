/** Numbers that look random and are the same for the same seed. */
export interface Seeded {
  readonly seed: number;
  /** An integer from 0 to `end`, `end` not included. */
  below(end: number): number;
}

/** The seed is `SAVEOS_TEST_SEED`, or 1: put it into the names of the tests, so that a failure can be had again. */
export function seeded(seed = Number(process.env["SAVEOS_TEST_SEED"] ?? 1)): Seeded {
  let state = seed | 0;
  return {
    seed,
    below(end) {
      // Mulberry32.
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
    },
  };
}
