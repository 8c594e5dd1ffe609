/** Why the server can't start, run on or do what its command line was asked. A closed list: programs may branch on it. */
export type ServerErrorCode =
  /** A setting from the environment or an argument is not what it must be. */
  | "bad-setting"
  /** The data folder can't be made, read or written. */
  | "data-folder-unusable"
  /** Another SaveOS server works on the same data folder. */
  | "data-folder-in-use"
  /** PostgreSQL can't be started or reached. */
  | "database-unavailable"
  /** The database holds something that this version of SaveOS doesn't know or didn't write. */
  | "database-unknown"
  /** An address or port can't be listened on. */
  | "port-unavailable"
  /** What a command was asked about doesn't exist. */
  | "not-found";

/** An error for the person who runs the server: `message` is one sentence that says what happened to what, `hint` what to do. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ServerErrorCode;
  readonly hint: string | undefined;

  constructor(code: ServerErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The system's code of an error from Node or PostgreSQL, such as `EACCES` or `57P03`, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The text of anything thrown, never empty: Node's error for a host with two addresses has no message of its own. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join("; ");
  return error instanceof Error ? error.message || error.name : String(error);
}
