import { Option } from "commander";
import type { PathFilter } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import type { ExitCode } from "../errors/exit-code.ts";
import { patternsFrom } from "../jobs/backup-sources.ts";
import { type SelectionOptions, snapshotFilter } from "../repository/select-snapshots.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { collect } from "./parse-values.ts";
import { openForCommand } from "./repository-command.ts";
import { restoreInto, targetFolder } from "./restore-into.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

/** restic's `--overwrite`. */
const overwriteModes = ["always", "if-changed", "if-newer", "never"] as const;

interface RestoreOptions extends SelectionOptions {
  readonly target?: string;
  readonly include?: readonly string[];
  readonly iinclude?: readonly string[];
  readonly includeFile?: readonly string[];
  readonly iincludeFile?: readonly string[];
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly overwrite: (typeof overwriteModes)[number];
  readonly delete?: true;
  readonly dryRun?: true;
  readonly verify?: true;
  readonly sparse?: true;
  readonly ownershipByName?: true;
}

/** `saveos-agent restore` */
export function addRestore(line: CommandLine): void {
  const command = addCommand(line.program, "restore <snapshot>", {
    summary: summaries.restore,
    description:
      "The snapshot is an id, the beginning of one, or `latest`; `latest:/home/ann` restores only what is in that folder. " +
      "Nothing is ever written outside the target.",
    examples: [
      "saveos-agent restore latest --target /tmp/restored",
      "saveos-agent restore latest:/home/ann/Documents -t ~/Documents --include '*.odt'",
    ],
  });
  command.addOption(new Option("-t, --target <folder>", "folder to restore into"));
  addSelectionOptions(command);
  const repeatable = (flags: string, description: string) =>
    command.addOption(new Option(flags, `${description} (repeatable)`).argParser(collect));
  repeatable("-i, --include <pattern>", "restore only what matches");
  repeatable("--iinclude <pattern>", "the same, without regard to case");
  repeatable("--include-file <file>", "restore only what matches a pattern in this file");
  repeatable("--iinclude-file <file>", "the same, without regard to case");
  repeatable("-e, --exclude <pattern>", "leave out what matches");
  repeatable("--iexclude <pattern>", "the same, without regard to case");
  repeatable("--exclude-file <file>", "leave out what matches a pattern in this file");
  repeatable("--iexclude-file <file>", "the same, without regard to case");
  command
    .addOption(
      new Option("--overwrite <when>", "what to do with files that are there")
        .choices(overwriteModes)
        .default("always"),
    )
    .option("--delete", "remove from the target what the snapshot does not have")
    .option("-n, --dry-run", "write nothing, say what would be")
    .option("--verify", "read everything again afterwards and compare it")
    .option("--sparse", "leave holes where files are zeros")
    .option("--ownership-by-name", "owners by their names, not their numbers");
  onRun<RestoreOptions>(line, command, restoreSnapshot);
}

async function restoreSnapshot(invocation: Invocation<RestoreOptions>): Promise<ExitCode> {
  const { world, options, operands } = invocation;
  const folder = targetFolder(invocation);
  const filter = await pathFilter(options, world);
  await using opened = await openForCommand(invocation);
  return await restoreInto(invocation, opened, {
    snapshot: operands[0] ?? "",
    among: snapshotFilter(options, world.env),
    folder,
    filter,
    overwrite: options.overwrite,
    delete: options.delete === true,
    dryRun: options.dryRun === true,
    verify: options.verify === true,
    sparse: options.sparse === true,
    ownershipByName: options.ownershipByName === true,
  });
}

/** Undefined for everything. Includes and excludes together would be a riddle, so they are refused, as by restic. */
async function pathFilter(
  options: RestoreOptions,
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
