import { EngineError } from "../../errors/engine-error.ts";
import type { TargetPath } from "../../target/file-target.ts";
import { showPath } from "../../target/show-path.ts";

/** The code of a failed system call, from Node's `fs` or from our own; "" if `error` is no such thing. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/**
 * `target-unwritable` for a failed system call. `doing` completes "Could not …", such as "make the directory".
 * Anything else, such as an `EngineError`, is given back as it is.
 */
export function targetError(doing: string, path: TargetPath, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof EngineError || !(error instanceof Error) || code === "") return error;
  const reason = reasons[code] ?? error.message;
  const hint = hints[code];
  return new EngineError("target-unwritable", `Could not ${doing} ${showPath(path)}: ${reason}`, {
    cause: error,
    hint,
  });
}

/** A thing that could not be set, while the rest was. `doing` completes "Could not …". */
export function settingWarning(doing: string, error: unknown): string {
  return error instanceof Error ? `Could not ${doing}: ${error.message}` : `Could not ${doing}`;
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  ENOTDIR: "a part of the path is a link or a file, not a directory",
  ELOOP: "there is a symbolic link in its place",
  EEXIST: "something is there already",
  ENOTEMPTY: "the directory is not empty",
  ENOENT: "it is not there",
  ENAMETOOLONG: "the name is too long for this file system",
  EFBIG: "the file is too large for this file system",
  EIO: "the disk reported an error",
};

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Make room, or choose another target, and run the restore again: what is there already is not written twice.",
  EDQUOT: "Make room, or choose another target, and run the restore again: what is there already is not written twice.",
  EACCES: "Run it as a user who may write there.",
};
