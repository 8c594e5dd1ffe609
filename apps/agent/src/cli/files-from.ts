import { glob } from "node:fs/promises";
import { readBytes } from "../jobs/backup-sources.ts";

export interface FilesFromOptions {
  readonly filesFrom?: readonly string[];
  readonly filesFromVerbatim?: readonly string[];
  readonly filesFromRaw?: readonly string[];
}

/**
 * The paths that `--files-from` (a pattern a line, `#` begins a comment), `--files-from-verbatim` (a path a line) and `--files-from-raw` (paths
 * that each end with a NUL byte) name, as restic reads them. `onNoMatch` is told of patterns that match nothing.
 */
export async function pathsFromFiles(
  options: FilesFromOptions,
  { workingFolder, onNoMatch }: { workingFolder: string; onNoMatch: (pattern: string) => Promise<void> },
): Promise<string[]> {
  const paths: string[] = [];
  for (const file of options.filesFrom ?? []) {
    for (const line of await pathsIn(file, "\n")) {
      const pattern = line.trim();
      if (pattern === "" || pattern.startsWith("#")) continue;
      const matches = await expand(pattern, workingFolder);
      if (matches.length === 0) await onNoMatch(pattern);
      paths.push(...matches);
    }
  }
  for (const file of options.filesFromVerbatim ?? [])
    paths.push(...(await pathsIn(file, "\n")).filter((line) => line !== ""));
  for (const file of options.filesFromRaw ?? [])
    paths.push(...(await pathsIn(file, "\0")).filter((line) => line !== ""));
  return paths;
}

/** Paths are bytes: those that are not UTF-8 stay what they are (the engine's escaped strings). */
async function pathsIn(file: string, separator: "\n" | "\0"): Promise<string[]> {
  const { decodeName } = await import("@saveos/engine");
  return decodeName(await readBytes(file)).split(separator);
}

async function expand(pattern: string, workingFolder: string): Promise<string[]> {
  if (!/[*?[\]]/.test(pattern)) return [pattern];
  const matches: string[] = [];
  for await (const match of glob(pattern, { cwd: workingFolder })) matches.push(match);
  return matches.toSorted();
}
