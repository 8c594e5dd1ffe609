import { resolve } from "node:path";
import type { FileTarget } from "../../target/file-target.ts";
import { PosixTarget } from "./posix-target.ts";
import { WindowsTarget } from "./windows-target.ts";

/**
 * A folder of this machine as a restore's target. `root` may be relative and may itself be a link: it is resolved as the user named it, and
 * made, with what is missing above it, when the first thing is restored. Below it no link is ever followed.
 */
export function nodeTarget(root: string): FileTarget {
  const path = resolve(root);
  return process.platform === "win32" ? new WindowsTarget(path) : new PosixTarget(path);
}
