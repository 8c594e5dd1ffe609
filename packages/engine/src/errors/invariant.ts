/** A broken promise of our own code: a bug, never bad input. It is not an `EngineError`, so that nothing handles it by code. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws `InvariantError` unless `condition` holds; `promise` is the sentence that should have been true. */
export function invariant(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new InvariantError(`This should always hold, and did not: ${promise}`);
}
