import { EngineError, isEngineError } from "../errors/engine-error.ts";
import { displayName, encodeName } from "../format/names.ts";
import { matches, mayMatchBelow } from "../pattern/pattern-list.ts";
import type { PatternList } from "../pattern/pattern-list.ts";
import type { FileSource, OnSourceWarning, SourceStat } from "./file-source.ts";

/**
 * What a backup leaves out (restic docs, "Excluding Files"). No rule applies to a target itself, because the person named it, nor to the
 * directories above it.
 */
export interface BackupRules {
  /** An entry that any of the lists matches by its absolute path. */
  readonly excludes: readonly PatternList[];
  /** Everything but the tag file itself in a directory that has one. */
  readonly excludeIfPresent: readonly TagFile[];
  /** Entries that are no directories and larger than this. */
  readonly excludeLargerThanBytes?: number | undefined;
  /** Entries on another file system than their target; a mount point itself stays, empty. */
  readonly oneFileSystem: boolean;
}

/** A file that marks its directory as not worth a backup. */
export interface TagFile {
  readonly name: string;
  /** What the file must begin with; without it its name is enough. An escaped string (`format/names.ts`). */
  readonly header?: string | undefined;
}

/** What the rules know about the directory whose entries they judge. */
export interface DirectoryContext {
  readonly path: string;
  /** Names of the tag files that mark it. */
  readonly tags: readonly string[];
  /** The file system that its entries must be on under `oneFileSystem`. */
  readonly deviceId: bigint;
}

/** Leaves nothing out. */
export const noRules: BackupRules = { excludes: [], excludeIfPresent: [], oneFileSystem: false };

/** The mark of a cache (the Cache Directory Tagging Specification, https://bford.info/cachedir/): restic's `--exclude-caches`. */
export const cacheDirectoryTag: TagFile = {
  name: "CACHEDIR.TAG",
  header: "Signature: 8a477f597d28d172789f06886806bc55",
};

/** Reads `name` or `name:header`. Throws `invalid-input` if there is no plain file name. */
export function parseTagFile(text: string): TagFile {
  const colon = text.indexOf(":");
  const name = colon === -1 ? text : text.slice(0, colon);
  if (name === "" || name === "." || name === ".." || name.includes("/"))
    throw new EngineError("invalid-input", `Not the name of a tag file: ${JSON.stringify(text)}`, {
      hint: "Write a file name, or a file name, a colon and what the file begins with.",
    });
  return colon === -1 ? { name } : { name, header: text.slice(colon + 1) };
}

/** Tells by the path alone, before anything else is asked of the file system. */
export function excludesPath({ excludes }: BackupRules, path: string): boolean {
  return excludes.some((list) => matches(list, path));
}

/** False: no pattern matches anything below this directory. */
export function mayExcludeBelow({ excludes }: BackupRules, directory: string): boolean {
  return excludes.some((list) => mayMatchBelow(list, directory));
}

/** Every tag excludes all but itself: two tags in one directory exclude each other. */
export function excludesByTag({ tags }: DirectoryContext, name: string): boolean {
  return tags.some((tag) => tag !== name);
}

export function excludesSize({ excludeLargerThanBytes }: BackupRules, stat: SourceStat): boolean {
  return excludeLargerThanBytes !== undefined && stat.type !== "dir" && stat.size > excludeLargerThanBytes;
}

/** Tells whether the entry is on another file system than it may be. A directory that is, is a mount point. */
export function isForeign({ oneFileSystem }: BackupRules, { deviceId }: DirectoryContext, stat: SourceStat): boolean {
  return oneFileSystem && stat.deviceId !== deviceId;
}

/** Which of the rules' tag files mark this directory. One that can't be read or begins otherwise is reported and does not count. */
export async function tagsPresent(
  source: FileSource,
  { excludeIfPresent }: BackupRules,
  directoryPath: string,
  names: readonly string[],
  onWarning: OnSourceWarning,
): Promise<readonly string[]> {
  const present: string[] = [];
  for (const { name, header = "" } of excludeIfPresent) {
    if (!names.includes(name)) continue;
    if (await beginsWith(source, childPath(directoryPath, name), header, onWarning)) present.push(name);
  }
  return present;
}

/** The path of an entry in a directory. A root (`/`, `C:/`) already ends with the slash. */
export function childPath(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

async function beginsWith(
  source: FileSource,
  path: string,
  header: string,
  onWarning: OnSourceWarning,
): Promise<boolean> {
  const expected = encodeName(header);
  if (expected.length === 0) return true;
  try {
    let checked = 0;
    for await (const piece of source.read(path)) {
      const part = piece.subarray(0, expected.length - checked);
      if (!part.every((byte, index) => byte === expected[checked + index])) break;
      checked += part.length;
      if (checked === expected.length) return true;
    }
    onWarning(path, `${displayName(path)} does not begin with its signature: its directory is backed up`);
  } catch (error) {
    if (!isEngineError(error, "source-unreadable", "not-found")) throw error;
    onWarning(path, `${error.message}: its directory is backed up`);
  }
  return false;
}
