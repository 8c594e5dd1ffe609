import { Option } from "commander";
import type { SnapshotGroup, StoredSnapshot } from "@saveos/engine";
import { type SelectionOptions, selectSnapshots, snapshotFilter } from "../repository/select-snapshots.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { type GroupBy, parseCount, parseGroupBy } from "./parse-values.ts";
import { snapshotRecord } from "./records/snapshot-record.ts";
import { withReadableRepository } from "./repository-command.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { groupTitle, orNull, snapshotLines } from "./snapshot-lines.ts";
import { summaries } from "./summaries.ts";

interface SnapshotsOptions extends SelectionOptions {
  readonly latest?: number;
  readonly groupBy?: GroupBy;
  readonly compact?: true;
}

/** `saveos-agent snapshots` */
export function addSnapshots(line: CommandLine): void {
  const command = addCommand(line.program, "snapshots [snapshots...]", {
    summary: summaries.snapshots,
    examples: ["saveos-agent snapshots --host web1 --latest 3", "saveos-agent snapshots --json"],
  });
  addSelectionOptions(command)
    .addOption(new Option("--latest <n>", "only the newest n of each host and paths").argParser(parseCount(1)))
    .addOption(new Option("-g, --group-by <marks>", "in groups by host, paths and tags").argParser(parseGroupBy))
    .option("-c, --compact", "one line each, without the paths");
  onRun<SnapshotsOptions>(line, command, async (invocation) =>
    withReadableRepository(invocation, async (repository, signal) => {
      const { world, options, operands, print } = invocation;
      const { groupSnapshots } = await import("@saveos/engine");
      const chosen = await selectSnapshots(repository, operands, snapshotFilter(options, world.env), {
        signal,
        onMissing: (message) => print.warn(message),
        onUnreadable: (message) => void print.warn(message),
      });
      const shown = options.latest === undefined ? chosen : newestOfEach(groupSnapshots, chosen, options.latest);
      if (options.groupBy === undefined) await printList(invocation, shown);
      else await printGroups(invocation, groupSnapshots(shown, options.groupBy));
    }),
  );
}

/** The newest `count` of each host and paths, oldest first as before. */
function newestOfEach(
  group: (snapshots: readonly StoredSnapshot[], by: GroupBy) => SnapshotGroup[],
  snapshots: readonly StoredSnapshot[],
  count: number,
): StoredSnapshot[] {
  const groups = group(snapshots, { host: true, paths: true, tags: false });
  const kept = new Set(groups.flatMap(({ snapshots: inGroup }) => inGroup.slice(-count)));
  return snapshots.filter((snapshot) => kept.has(snapshot));
}

async function printList(
  { print, options }: Invocation<SnapshotsOptions>,
  snapshots: readonly StoredSnapshot[],
): Promise<void> {
  await print.result(...(await snapshotLines(snapshots, options)));
  if (print.options.json) await print.record(snapshots.map(snapshotRecord));
}

async function printGroups(
  { print, options }: Invocation<SnapshotsOptions>,
  groups: readonly SnapshotGroup[],
): Promise<void> {
  for (const [index, group] of groups.entries()) {
    if (index > 0) await print.result("");
    await print.result(
      print.style.strong(`Snapshots of ${groupTitle(group)}`),
      ...(await snapshotLines(group.snapshots, options)),
    );
  }
  await print.record(
    groups.map(({ hostname, paths, tags, snapshots }) => ({
      group_key: { hostname: hostname ?? "", paths: orNull(paths), tags: orNull(tags) },
      snapshots: snapshots.map(snapshotRecord),
    })),
  );
}
