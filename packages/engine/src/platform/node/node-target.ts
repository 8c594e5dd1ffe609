import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { FileTarget } from "../../target/file-target.ts";
import { PosixTarget } from "./posix-target.ts";
import { WindowsTarget } from "./windows-target.ts";

/** More threads than this only wait for the disk and for each other's locks on its journal. */
const maxLanes = 4;

/**
 * A folder of this machine as a restore's target. `root` may be relative and may itself be a link: it is resolved as the user named it, and
 * made, with what is missing above it, when the first thing is restored. Below it no link is ever followed.
 *
 * Large restores are written by `lanes` threads, one for each core unless told; with one core, or 0, and on Windows, by this thread.
 */
export function nodeTarget(root: string, { lanes = defaultLanes() }: { readonly lanes?: number } = {}): FileTarget {
  const path = resolve(root);
  return process.platform === "win32" ? new WindowsTarget(path) : new PosixTarget(path, { lanes });
}

function defaultLanes(): number {
  const cores = availableParallelism();
  return cores === 1 ? 0 : Math.min(cores, maxLanes);
}
