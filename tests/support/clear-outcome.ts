import { EngineError } from "@saveos/engine";

export type Outcome<Value> = { readonly value: Value } | { readonly error: EngineError };

/**
 * What came of an operation on something broken: a value, or an error that a person can read. Anything else, such as a broken promise of our
 * own code or a system's error, fails the test.
 */
export async function clearOutcome<Value>(operation: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await operation() };
  } catch (error) {
    if (!(error instanceof EngineError)) throw new Error(`Not a clear error: ${String(error)}`, { cause: error });
    const isSentence = error.message.length >= 10 && !/\n\s+at |undefined|NaN|\[object /.test(error.message);
    if (!isSentence) throw new Error(`An error that nobody understands: ${error.message}`, { cause: error });
    return { error };
  }
}

/** The error that an operation on something broken must end with. */
export async function clearError(operation: () => Promise<unknown>): Promise<EngineError> {
  const outcome = await clearOutcome(operation);
  if ("error" in outcome) return outcome.error;
  throw new Error("It went well, though it could not");
}
