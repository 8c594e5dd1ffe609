import { EngineError } from "../errors/engine-error.ts";
import { displayName } from "../format/names.ts";
import type { TargetPath } from "./file-target.ts";
import { showPath } from "./show-path.ts";

/**
 * Why `name` can't be one entry of a directory on any platform, as the end of a sentence; undefined if it can. A hostile snapshot may
 * hold any name, and one that is read as a path would lead out of the target.
 */
export function plainNameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "means a directory";
  if (name.includes("/")) return "has a slash in it";
  if (name.includes("\0")) return "has a NUL byte in it";
  return undefined;
}

/** Throws `target-unwritable` for a name that would lead elsewhere; `path` is the whole, for the message. */
export function requirePlainName(path: TargetPath, name: string): void {
  const problem = plainNameProblem(name);
  if (problem === undefined) return;
  throw new EngineError(
    "target-unwritable",
    `${showPath(path)} can't be restored: the name "${displayName(name)}" ${problem}`,
  );
}

/** The names that Windows keeps for devices, whatever ending follows a dot. */
const reservedWindowsName = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])$/i;

/** As `plainNameProblem`, with what Windows would read as something else: separators, drives, streams, devices, cut endings. */
export function windowsNameProblem(name: string): string | undefined {
  const problem = plainNameProblem(name);
  if (problem !== undefined) return problem;
  if (name.includes("\\")) return "has a backslash in it";
  if (name.includes(":")) return "has a colon in it, which names a drive or a stream";
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f<>"|?*]/.test(name)) return "has a character in it that Windows forbids";
  if (/[. ]$/.test(name)) return "ends with a dot or a space, which Windows cuts off";
  if (reservedWindowsName.test(name.split(".")[0]?.trimEnd() ?? "")) return "is a device on Windows";
  return undefined;
}
