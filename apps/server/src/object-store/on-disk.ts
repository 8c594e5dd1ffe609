import { errorCode } from "../server-error.ts";
import { ObjectStorageError, type ObjectStorageErrorCode } from "./object-storage-error.ts";

/** Everything else a disk says (EIO, EMFILE, ESTALE …) may pass: `unavailable`. */
const meanings: Readonly<Record<string, ObjectStorageErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  ENOSPC: "full",
  EDQUOT: "full",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
};

/** Runs `action` on the file system; its failure becomes an `ObjectStorageError` about `what`. */
export async function onDisk<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw diskError(error, what);
  }
}

export function diskError(error: unknown, what: string): ObjectStorageError {
  if (error instanceof ObjectStorageError) return error;
  const systemCode = errorCode(error) ?? "unknown error";
  const code = meanings[systemCode] ?? "unavailable";
  const message = code === "not-found" ? `There is no ${what}` : `The disk failed at ${what} (${systemCode})`;
  return new ObjectStorageError(code, message, { cause: error });
}
