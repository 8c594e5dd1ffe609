/**
 * What can go wrong with stored objects, as a closed list.
 *
 * - `not-found`: there is no such object
 * - `wrong-length`: the body had more or fewer bytes than announced
 * - `wrong-hash`: the body is not what its name says
 * - `bad-range`: the asked range lies outside the object
 * - `full`: no space or quota left where the objects are
 * - `unavailable`: the storage did not answer or failed; trying again may help
 * - `denied`: the storage refused us: permissions, a wrong S3 key, a read-only disk
 */
export type ObjectStorageErrorCode =
  | "not-found"
  | "wrong-length"
  | "wrong-hash"
  | "bad-range"
  | "full"
  | "unavailable"
  | "denied";

/** The one error class of the object storages. The message names the object, never a credential. */
export class ObjectStorageError extends Error {
  override readonly name = "ObjectStorageError";
  readonly code: ObjectStorageErrorCode;
  /** For `bad-range`: how long the object really is. */
  readonly objectSizeBytes: number | undefined;

  constructor(
    code: ObjectStorageErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly objectSizeBytes?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.objectSizeBytes = options.objectSizeBytes;
  }
}

export function isObjectStorageError(
  error: unknown,
  ...codes: readonly ObjectStorageErrorCode[]
): error is ObjectStorageError {
  return error instanceof ObjectStorageError && (codes.length === 0 || codes.includes(error.code));
}
