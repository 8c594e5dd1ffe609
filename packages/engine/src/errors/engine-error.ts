/**
 * What can go wrong in the engine, as a closed list. A caller decides by the code; a person reads the message and the hint.
 *
 * - `no-repository`: nothing at this place looks like a repository (restic's exit code 10)
 * - `repository-locked`: somebody else holds a conflicting lock (11)
 * - `wrong-password`: no key of the repository opens with this password (12)
 * - `corrupt-data`: bytes are not what they must be: a failed MAC, a wrong hash, a format error
 * - `not-found`: one named thing (object, snapshot, path, key) is not there
 * - `already-exists`: it is there and may not be replaced
 * - `store-unavailable`: the store did not answer or failed for now; trying again may help
 * - `store-denied`: the store answered no: wrong credential, append-only, read-only
 * - `store-full`: no space or quota left in the store
 * - `source-unreadable`: a file or folder to back up could not be read
 * - `target-unwritable`: a file or folder could not be restored
 * - `unsupported`: this version or platform can't do it
 * - `invalid-input`: the caller asked for something that makes no sense
 * - `aborted`: the caller's signal, or a lock that was lost, ended the operation
 */
export type EngineErrorCode =
  | "no-repository"
  | "repository-locked"
  | "wrong-password"
  | "corrupt-data"
  | "not-found"
  | "already-exists"
  | "store-unavailable"
  | "store-denied"
  | "store-full"
  | "source-unreadable"
  | "target-unwritable"
  | "unsupported"
  | "invalid-input"
  | "aborted";

/** The one error class of the engine. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  /** What the person can do about it, as a sentence. */
  readonly hint: string | undefined;
  /** The system's own code behind it, such as `EACCES`, if there is one. It outlives the cause where an error crosses threads. */
  readonly systemCode: string | undefined;

  constructor(
    code: EngineErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string | undefined; systemCode?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.systemCode = options.systemCode ?? systemCodeOf(options.cause);
  }
}

function systemCodeOf(cause: unknown): string | undefined {
  if (cause instanceof EngineError) return cause.systemCode;
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(cause.code) ? cause.code : undefined;
}

/** Tells whether `error` is an `EngineError` with one of these codes. */
export function isEngineError(error: unknown, ...codes: EngineErrorCode[]): error is EngineError {
  return error instanceof EngineError && (codes.length === 0 || codes.includes(error.code));
}
