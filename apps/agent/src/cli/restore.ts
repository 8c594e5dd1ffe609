import { Option } from "commander";
import type { ExitCode } from "../errors/exit-code.ts";
import { type SelectionOptions, snapshotFilter } from "../repository/select-snapshots.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { addPathFilterOptions, pathFilter, type PathFilterOptions } from "./path-filter-options.ts";
import { openForCommand } from "./repository-command.ts";
import { restoreInto, targetFolder } from "./restore-into.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { summaries } from "./summaries.ts";

/** restic's `--overwrite`. */
const overwriteModes = ["always", "if-changed", "if-newer", "never"] as const;

interface RestoreOptions extends SelectionOptions, PathFilterOptions {
  readonly target?: string;
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
  addPathFilterOptions(command, { include: "restore only", exclude: "leave out" });
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
