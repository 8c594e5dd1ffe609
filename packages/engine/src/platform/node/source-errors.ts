import { getSystemErrorMessage } from "node:util";
import { EngineError } from "../../errors/engine-error.ts";
import { displayName } from "../../format/names.ts";
import { errnoOf, isMissing } from "./file-errors.ts";

/** What a failed system call means for a file to back up: `not-found`, or `source-unreadable` with the reason. */
export function sourceError(error: unknown, path: string): EngineError {
  if (error instanceof EngineError) return error;
  const cause = error;
  if (isMissing(error)) return new EngineError("not-found", `${displayName(path)} is not there`, { cause });
  const reason = reasonOf(error);
  const isDenied = errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM";
  return new EngineError("source-unreadable", `${displayName(path)} can't be read: ${reason}`, {
    cause,
    ...(isDenied && { hint: "Run the backup as a user who may read it, or exclude it." }),
  });
}

/** Runs one system call, or a few, on a path; what they throw is thrown as `sourceError`. */
export function readingSource<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw sourceError(error, path);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number")
    return getSystemErrorMessage(error.errno);
  return error instanceof Error ? error.message : String(error);
}
