import { lstatSync, opendirSync, readdirSync } from "node:fs";
import { EngineError } from "../../errors/engine-error.ts";
import { displayName } from "../../format/names.ts";
import type { EventLoopBreather } from "./event-loop-breather.ts";
import { nameEncoding, nameFromSystem, systemPath } from "./source-path.ts";

/** From this size, as `lstat` tells it, a directory is read in steps: it may have tens of thousands of entries, which take some 20 ms to read. */
const largeDirectoryBytes = 1024 * 1024;

/** Entries that one step reads. */
const entriesAtOnce = 1024;

/** The names in a directory, in no order. Throws what the system calls throw, and `source-unreadable` for anything but a directory. */
export async function listDirectory(
  path: string,
  breather: EventLoopBreather,
  { largeFromBytes = largeDirectoryBytes }: { readonly largeFromBytes?: number } = {},
): Promise<string[]> {
  const stat = requireDirectory(path);
  const isLarge = stat.size >= largeFromBytes;
  const names = isLarge ? await listInSteps(path, breather) : readdirSync(systemPath(path), { encoding: nameEncoding });
  // What was listed is the directory only if no link took its place meanwhile: a link could lead anywhere.
  if (requireDirectory(path).ino !== stat.ino)
    throw new EngineError("source-unreadable", `${displayName(path)} was replaced while it was listed`);
  return names.map(nameFromSystem);
}

/** What `lstat` tells of a directory. Throws `source-unreadable` for anything else. */
export function requireDirectory(path: string) {
  const stat = lstatSync(systemPath(path));
  if (!stat.isDirectory()) throw new EngineError("source-unreadable", `${displayName(path)} is not a directory`);
  return stat;
}

async function listInSteps(path: string, breather: EventLoopBreather): Promise<string[]> {
  const directory = opendirSync(systemPath(path), { encoding: nameEncoding, bufferSize: entriesAtOnce });
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      names.push(entry.name);
      if (names.length % entriesAtOnce === 0) await breather.pauseIfDue();
    }
    return names;
  } finally {
    directory.closeSync();
  }
}
