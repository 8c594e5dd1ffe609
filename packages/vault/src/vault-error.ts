/**
 * What can go wrong with what is sealed, as a closed list.
 *
 * - `invalid-identity`: not the text of an age X25519 identity
 * - `invalid-recipient`: not the text of an age X25519 recipient
 * - `invalid-text`: a part of a text that is to be sealed or signed has a form that could be misread, such as a line break in a password
 * - `not-for-us`: it was sealed to somebody else
 * - `wrong-passphrase`: another passphrase locked it
 * - `damaged`: it is not what was sealed: cut off, changed, or never a sealed text
 * - `not-signed`: it was not signed by the vault that it should be from, or says something else than it should
 */
export type VaultErrorCode =
  | "invalid-identity"
  | "invalid-recipient"
  | "invalid-text"
  | "not-for-us"
  | "wrong-passphrase"
  | "damaged"
  | "not-signed";

/** The one error class of the vault. Its messages never hold a key, a passphrase or what was sealed. */
export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** Tells whether `error` is a `VaultError` with one of these codes. */
export function isVaultError(error: unknown, ...codes: VaultErrorCode[]): error is VaultError {
  return error instanceof VaultError && (codes.length === 0 || codes.includes(error.code));
}
