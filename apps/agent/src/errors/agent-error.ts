/**
 * What can go wrong in the agent itself, as a closed list. The engine has its own (`EngineError`).
 *
 * - `usage`: the command line makes no sense
 * - `bad-settings`: a file of the agent is missing, broken, or readable by others
 * - `not-enrolled`: the command needs a server, and this machine has none
 * - `already-enrolled`: this machine has a server already
 * - `enrolment-refused`: the token was used, has expired or never was
 * - `server-unavailable`: the server did not answer, or failed for now; trying again may help
 * - `server-refused`: the server answered no to what was asked
 * - `credential-refused`: the server does not know this machine's credential, or no longer
 * - `server-untrusted`: whoever answered does not hold a certificate from the authority got at enrolment
 * - `identity-conflict`: another machine uses this machine's credential
 * - `folder-not-allowed`: an order would restore another machine's files where this machine doesn't allow it
 * - `invalid-order`: an order of the server can't be carried out as it is written
 * - `nothing-to-back-up`: nothing that an order names is on this machine
 * - `no-repository-password`: an order is about another machine's repository, and brings no password for it
 * - `wrong-passphrase`: the vault does not open with the passphrase that was given
 * - `clock-off`: the machine's clock and the server's differ too much to delete anything by time
 * - `too-few-snapshots`: so few snapshots would have stayed that nothing was forgotten
 * - `deletion-refused`: the server let a job delete nothing, or nothing more
 * - `hook-failed`: a command that had to succeed before a backup did not
 * - `cancelled`: the server gave a job up
 * - `interrupted`: a signal ended the command
 * - `output-closed`: whoever read the output, such as `head`, has gone
 */
export type AgentErrorCode =
  | "usage"
  | "bad-settings"
  | "not-enrolled"
  | "already-enrolled"
  | "enrolment-refused"
  | "server-unavailable"
  | "server-refused"
  | "credential-refused"
  | "server-untrusted"
  | "identity-conflict"
  | "folder-not-allowed"
  | "invalid-order"
  | "nothing-to-back-up"
  | "no-repository-password"
  | "wrong-passphrase"
  | "clock-off"
  | "too-few-snapshots"
  | "deletion-refused"
  | "hook-failed"
  | "cancelled"
  | "interrupted"
  | "output-closed";

/** The one error class of the agent. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: AgentErrorCode;
  /** What the person can do about it, as a sentence. */
  readonly hint: string | undefined;

  constructor(code: AgentErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Tells whether `error` is an `AgentError` with one of these codes. */
export function isAgentError(error: unknown, ...codes: AgentErrorCode[]): error is AgentError {
  return error instanceof AgentError && (codes.length === 0 || codes.includes(error.code));
}
