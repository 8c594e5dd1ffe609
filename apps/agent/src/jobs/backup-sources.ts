import { readFile } from "node:fs/promises";
import path from "node:path";
import type { BackupRules, BackupTarget, FileSource, PatternList } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";

/** What to leave out, in the words of the command line and of orders. */
export interface ExcludeWishes {
  readonly exclude?: readonly string[] | undefined;
  readonly iexclude?: readonly string[] | undefined;
  readonly excludeFiles?: readonly string[] | undefined;
  readonly iexcludeFiles?: readonly string[] | undefined;
  readonly excludeCaches?: boolean | undefined;
  readonly excludeIfPresent?: readonly string[] | undefined;
  readonly excludeLargerThanBytes?: number | undefined;
  readonly oneFileSystem?: boolean | undefined;
  /** The agent's own cache: it is made of the repository, and changes while the backup runs. */
  readonly ownCacheFolder?: string | undefined;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** Reads the wishes into rules of the engine. Rejects with `invalid-input` for a malformed pattern, `usage` for a file that can't be read. */
export async function backupRules(wishes: ExcludeWishes, { env, platform }: Surroundings): Promise<BackupRules> {
  const { cacheDirectoryTag, parsePatterns, parseTagFile } = await import("@saveos/engine");
  const windows = platform === "win32";
  const sensitive = [...(wishes.exclude ?? []), ...(await patternsFrom(wishes.excludeFiles, env))];
  const insensitive = [...(wishes.iexclude ?? []), ...(await patternsFrom(wishes.iexcludeFiles, env))];
  const lists: PatternList[] = [
    parsePatterns(sensitive, { windows }),
    parsePatterns(insensitive, { windows, caseInsensitive: true }),
    parsePatterns(wishes.ownCacheFolder === undefined ? [] : [literalPattern(wishes.ownCacheFolder, windows)], {
      windows,
    }),
  ];
  return {
    excludes: lists.filter(({ patterns }) => patterns.length > 0),
    excludeIfPresent: [
      ...(wishes.excludeCaches ? [cacheDirectoryTag] : []),
      ...(wishes.excludeIfPresent ?? []).map(parseTagFile),
    ],
    excludeLargerThanBytes: wishes.excludeLargerThanBytes,
    oneFileSystem: wishes.oneFileSystem ?? false,
  };
}

/** Paths as given, and absolute. */
export function backupTargets(source: FileSource, paths: readonly string[], workingFolder: string): BackupTarget[] {
  return paths.map((given) => ({ given, absolute: source.absolute(path.resolve(workingFolder, given)) }));
}

/** The patterns of several pattern files, in order. */
export async function patternsFrom(
  files: readonly string[] | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const { readPatternFile } = await import("@saveos/engine");
  const patterns: string[] = [];
  for (const file of files ?? []) patterns.push(...readPatternFile(await readBytes(file), env));
  return patterns;
}

/** A file named on the command line; rejects with `usage`. */
export async function readBytes(file: string): Promise<Uint8Array> {
  return await readFile(file).catch((cause: unknown) => {
    throw new AgentError("usage", `Could not read ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`, { cause });
  });
}

/** A pattern that matches this path and nothing else. Windows' patterns know no escapes, and its paths no `*` and `?`. */
function literalPattern(folder: string, windows: boolean): string {
  return windows ? folder : folder.replace(/[\\*?[\]]/g, "\\$&");
}
