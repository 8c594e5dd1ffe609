import { closeSync, constants, existsSync, openSync } from "node:fs";
import { noDirectory } from "./linux-statx.ts";
import { calls, check, type Descriptor, terminated } from "./posix-library.ts";

/** Opens a new file in the folder that has no name and is gone when it is closed (O_TMPFILE, open(2)). Undefined where there are none. */
export function openUnnamedFile(folder: string): Descriptor | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const descriptor = openSync(folder, flags, mode);
    if (existsSync(pathOf(descriptor))) return descriptor;
    closeSync(descriptor);
  } catch {
    // Network file systems have none; what else is wrong with the folder shows when something is stored there.
  }
  return undefined;
}

/** Gives the file a name. Throws `EEXIST` if it is taken. */
export function nameFile(descriptor: Descriptor, path: string): void {
  const from = terminated(Buffer.from(pathOf(descriptor)));
  const to = terminated(Buffer.from(path));
  check("linkat", calls().linkat(noDirectory, from, noDirectory, to, followLink));
}

const flags = 0o20000000 | (constants.O_DIRECTORY ?? 0) | constants.O_RDWR;
const mode = 0o600;

/** A link to the file, while it is open. */
function pathOf(descriptor: Descriptor): string {
  return `/proc/self/fd/${descriptor}`;
}

/** AT_SYMLINK_FOLLOW. */
const followLink = 0x400;
