import { EngineError } from "../../errors/engine-error.ts";

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Nothing is there: neither the file nor, perhaps, the folders above it. */
export function isMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

/** What a failed system call means for a folder that holds objects. `action` opens the message: `Storing config in /srv/repo`. */
export function folderError(error: unknown, action: string): EngineError {
  if (error instanceof EngineError) return error;
  const cause = error;
  const errno = errnoOf(error);
  switch (errno) {
    case "ENOENT":
    case "ENOTDIR":
      return new EngineError("not-found", `${action}: no such file or folder`, { cause });
    case "ENOSPC":
    case "EDQUOT":
      return new EngineError("store-full", `${action}: no space is left`, { cause, hint: "Free space there." });
    case "EROFS":
      return new EngineError("store-denied", `${action}: the file system is read-only`, { cause });
    case "EACCES":
    case "EPERM":
      return new EngineError("store-denied", `${action}: permission denied`, {
        cause,
        hint: "Check who owns the folder and its files, and as whom this runs.",
      });
    case undefined:
    default:
      return new EngineError("store-unavailable", `${action}: ${error instanceof Error ? error.message : errno}`, {
        cause,
      });
  }
}
