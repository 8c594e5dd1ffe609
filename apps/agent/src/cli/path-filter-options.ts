import { type Command, Option } from "commander";
import type { PathFilter } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { patternsFrom } from "../jobs/backup-sources.ts";
import type { Invocation } from "./command-line.ts";
import { collect } from "./parse-values.ts";

/** Which files of a snapshot are meant. */
export interface PathFilterOptions {
  readonly include?: readonly string[];
  readonly iinclude?: readonly string[];
  readonly includeFile?: readonly string[];
  readonly iincludeFile?: readonly string[];
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
}

/** Adds restic's options for it. The verbs say what becomes of what matches. */
export function addPathFilterOptions(
  command: Command,
  { include, exclude }: { readonly include: string; readonly exclude: string },
): void {
  const repeatable = (flags: string, description: string) =>
    command.addOption(new Option(flags, `${description} (repeatable)`).argParser(collect));
  repeatable("-i, --include <pattern>", `${include} what matches`);
  repeatable("--iinclude <pattern>", "the same, without regard to case");
  repeatable("--include-file <file>", `${include} what matches a pattern in this file`);
  repeatable("--iinclude-file <file>", "the same, without regard to case");
  repeatable("-e, --exclude <pattern>", `${exclude} what matches`);
  repeatable("--iexclude <pattern>", "the same, without regard to case");
  repeatable("--exclude-file <file>", `${exclude} what matches a pattern in this file`);
  repeatable("--iexclude-file <file>", "the same, without regard to case");
}

/** Undefined for everything. Includes and excludes together would be a riddle, so they are refused, as by restic. */
export async function pathFilter(
  options: PathFilterOptions,
  { env, platform }: Invocation["world"],
): Promise<PathFilter | undefined> {
  const { excludeFilter, includeFilter, parsePatterns } = await import("@saveos/engine");
  const windows = platform === "win32";
  const lists = async (sensitive: string[], insensitive: string[]) =>
    [parsePatterns(sensitive, { windows }), parsePatterns(insensitive, { windows, caseInsensitive: true })].filter(
      ({ patterns }) => patterns.length > 0,
    );
  const includes = await lists(
    [...(options.include ?? []), ...(await patternsFrom(options.includeFile, env))],
    [...(options.iinclude ?? []), ...(await patternsFrom(options.iincludeFile, env))],
  );
  const excludes = await lists(
    [...(options.exclude ?? []), ...(await patternsFrom(options.excludeFile, env))],
    [...(options.iexclude ?? []), ...(await patternsFrom(options.iexcludeFile, env))],
  );
  if (includes.length > 0 && excludes.length > 0)
    throw new AgentError("usage", "Include and exclude patterns can't be used together.");
  if (includes.length > 0) return includeFilter(...includes);
  return excludes.length > 0 ? excludeFilter(...excludes) : undefined;
}
