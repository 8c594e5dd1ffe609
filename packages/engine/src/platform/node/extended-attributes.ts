import type { ExtendedAttribute } from "../../format/node.ts";
import { decodeName, displayName } from "../../format/names.ts";
import type { OnSourceWarning } from "../../source/file-source.ts";
import { errnoOf, isMissing } from "./file-errors.ts";
import { getAttribute, listAttributes } from "./posix-read.ts";

/**
 * The extended attributes of the entry itself, links not followed, in the system's order; POSIX ACLs are among them. A file system without
 * them has none; one that can't be read is reported and left out, one that vanished meanwhile just left out. None on Windows.
 */
export function extendedAttributes(path: string, onWarning: OnSourceWarning): readonly ExtendedAttribute[] {
  if (process.platform === "win32") return none;
  const names = attempt(
    () => listAttributes(path),
    (code) => {
      onWarning(path, `The extended attributes of ${displayName(path)} can't be listed: ${code}`);
    },
  );
  if (!names || names.length === 0) return none;
  return names.flatMap((nameBytes) => {
    const name = decodeName(nameBytes);
    const value = attempt(
      () => getAttribute(path, nameBytes),
      (code) => {
        onWarning(path, `The extended attribute ${displayName(name)} of ${displayName(path)} can't be read: ${code}`);
      },
    );
    return value ? [{ name, value }] : [];
  });
}

const none: readonly ExtendedAttribute[] = [];

/** There is nothing to read, and that is no failure: not supported here, or gone (`ENOATTR` is Apple's `ENODATA`). */
const nothingThere = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENODATA", "ENOATTR"]);

function attempt<Result>(read: () => Result, onFailure: (code: string) => void): Result | undefined {
  try {
    return read();
  } catch (error) {
    const code = errnoOf(error);
    // The entry itself is gone: that is the caller's business.
    if (code === undefined || isMissing(error)) throw error;
    if (!nothingThere.has(code)) onFailure(code);
    return undefined;
  }
}
